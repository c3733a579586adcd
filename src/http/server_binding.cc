#include "http/server_binding.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace levelkeep::http {

namespace {

constexpr size_t kStreamPieceBytes = 64 << 10;

void SetFile(const Response& from, httplib::Response* to) {
  if (from.file_size == 0) {  // the library refuses a provider of 0 bytes
    to->set_content("", from.content_type);
    return;
  }
  const auto file = from.file;
  const uint64_t base = from.file_offset;
  to->set_content_provider(
      static_cast<size_t>(from.file_size), from.content_type,
      [file, base](size_t offset, size_t length, httplib::DataSink& sink) {
        std::string part(std::min<size_t>(length, 256 << 10), '\0');
        // The length was sent already: a connection that closes early is the
        // only way to tell the client about a failure.
        return ReadExactly(*file, base + offset, part.data(), part.size())
                   .ok() &&
               sink.write(part.data(), part.size());
      });
}

void SetLargeBody(Response from, httplib::Response* to) {
  struct Held {
    std::string body;
    std::shared_ptr<void> place;
  };
  const auto held = std::make_shared<const Held>(
      Held{std::move(from.body), std::move(from.place)});
  to->set_content_provider(
      held->body.size(), from.content_type,
      [held](size_t offset, size_t length, httplib::DataSink& sink) {
        return sink.write(held->body.data() + offset, length);
      });
}

// A template, because some versions between 0.11 and 0.18 lack is_writable().
template <class Sink>
bool PeerListens(const Sink& sink) {
  if constexpr (requires { sink.is_writable(); }) {
    return sink.is_writable();
  } else {
    return true;
  }
}

void SetStream(const Response& from, const std::string& version,
               httplib::Response* to) {
  const auto stream = from.stream;
  const auto provider = [stream](size_t, httplib::DataSink& sink) {
    std::string part;
    const bool more = stream->Next(&part);
    if (!PeerListens(sink)) return false;
    // In pieces, because the library copies each one to frame it. An empty
    // piece is never written: it would mean the end.
    for (size_t at = 0; at < part.size(); at += kStreamPieceBytes) {
      const size_t size = std::min(part.size() - at, kStreamPieceBytes);
      if (!sink.write(part.data() + at, size)) return false;
    }
    if (!more) sink.done();
    // False even after a regular end: it makes the library close.
    return more;
  };
  if (version == "HTTP/1.0") {
    to->set_content_provider(from.content_type, provider);
  } else {
    to->set_chunked_content_provider(from.content_type, provider);
  }
}

}  // namespace

std::string HeaderValue(const std::string& text) {
  std::string value;
  std::copy_if(text.begin(), text.end(), std::back_inserter(value), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x20 && byte != 0x7f;
  });
  return value;
}

void ToLibrary(Response from, const std::string& version,
               httplib::Response* to) {
  to->status = from.status;
  for (const auto& [name, value] : from.headers) {
    to->set_header(name, HeaderValue(value));
  }
  if (from.stream != nullptr) {
    SetStream(from, version, to);
  } else if (from.file != nullptr) {
    SetFile(from, to);
  } else if (from.place != nullptr) {
    SetLargeBody(std::move(from), to);
  } else if (!from.content_type.empty()) {
    to->body = std::move(from.body);
    to->set_header("Content-Type", from.content_type);
  }
}

}  // namespace levelkeep::http
