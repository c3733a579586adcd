#include "net/http_client.h"

#include <algorithm>
#include <memory>

#include "base/process.h"
#include "base/status_macros.h"
#include "base/text.h"
#include "net/transfer.h"

namespace levelkeep {

namespace {

struct FreeHeaders {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, FreeHeaders>;

// The parts of a response while they arrive.
struct Receiver {
  const size_t limit;
  HttpResponse response = {};
  size_t head_bytes = 0;
};

size_t TakeBody(char* data, size_t size, size_t count, void* target) {
  auto* const receiver = static_cast<Receiver*>(target);
  std::string& body = receiver->response.body;
  const size_t bytes = size * count;
  const size_t room = receiver->limit - body.size();
  body.append(data, std::min(room, bytes));
  if (bytes > room) receiver->response.truncated = true;
  return bytes;
}

size_t TakeHeader(char* data, size_t size, size_t count, void* target) {
  auto* const receiver = static_cast<Receiver*>(target);
  const size_t bytes = size * count;
  const std::string_view line(data, bytes);
  auto& headers = receiver->response.headers;
  if (line.starts_with("HTTP/")) headers.clear();  // after "100 Continue"
  receiver->head_bytes += bytes;
  const size_t colon = line.find(':');
  if (colon == line.npos || receiver->head_bytes > receiver->limit) {
    return bytes;
  }
  headers[Lower(line.substr(0, colon))] =
      Trim(line.substr(colon + 1), " \t\r\n");
  return bytes;
}

bool IsHeaderText(std::string_view text) {
  return std::none_of(text.begin(), text.end(), IsAsciiControl);
}

Result<HeaderList> HeadersOf(const HttpRequest& request) {
  HeaderList list;
  const auto add = [&list](const std::string& line) {
    curl_slist* const longer = curl_slist_append(list.get(), line.c_str());
    if (longer == nullptr) return false;
    (void)list.release();
    list.reset(longer);
    return true;
  };
  if (!add("Expect:")) return NoTransfer();  // no pause before the body
  for (const auto& [name, value] : request.headers) {
    if (name.empty() || !IsMadeOf(name, "-_") || !IsHeaderText(value)) {
      return Status(StatusCode::kInvalidArgument,
                    "a header of the request has characters that HTTP forbids");
    }
    // A name with a semicolon is a header without a value.
    if (!add(value.empty() ? name + ";" : name + ": " + value)) {
      return NoTransfer();
    }
  }
  return list;
}

void SetMethod(const HttpRequest& request, Transfer* transfer) {
  if (request.method == "HEAD") {
    transfer->Set(CURLOPT_NOBODY, 1L);
    return;
  }
  if (!request.body.empty() || request.method == "POST" ||
      request.method == "PUT") {
    transfer->Set(CURLOPT_POST, 1L);
    transfer->Set(CURLOPT_POSTFIELDSIZE_LARGE,
                  static_cast<curl_off_t>(request.body.size()));
    transfer->Set(CURLOPT_POSTFIELDS, request.body.c_str());
  }
  transfer->Set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

Status Explain(CURLcode code, const HttpRequest& request,
               const Transfer& transfer) {
  const std::string place = PlaceOfUrl(request.url);
  switch (code) {
    case CURLE_ABORTED_BY_CALLBACK:
      return Status(StatusCode::kCancelled,
                    "the request to " + place + " was stopped");
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return Status(StatusCode::kInvalidArgument,
                    place + " is no usable http:// or https:// URL");
    case CURLE_OPERATION_TIMEDOUT:
      return Status(StatusCode::kIoError,
                    place + " did not answer within " +
                        std::to_string(request.timeout.count()) + " ms");
    case CURLE_PEER_FAILED_VERIFICATION:
      return Status(StatusCode::kIoError,
                    "the certificate of " + place +
                        " is not trusted: " + transfer.Detail(code));
    default:
      return Status(StatusCode::kIoError,
                    "no answer from " + place + ": " + transfer.Detail(code));
  }
}

}  // namespace

Result<HttpResponse> SendHttp(const HttpRequest& request,
                              std::stop_token stop) {
  Transfer transfer(request.timeout, request.ca_file);
  if (!transfer.valid()) return NoTransfer();
  LEVELKEEP_ASSIGN_OR_RETURN(const HeaderList headers, HeadersOf(request));
  Receiver receiver{request.response_limit_bytes};
  transfer.Allow("http,https");
  transfer.Set(CURLOPT_FOLLOWLOCATION, 0L);
  transfer.Set(CURLOPT_PATH_AS_IS, 1L);
  transfer.Set(CURLOPT_URL, request.url.c_str());
  transfer.Set(CURLOPT_HTTPHEADER, headers.get());
  const std::string agent = std::string("LevelKeep/") + LevelKeepVersion();
  transfer.Set(CURLOPT_USERAGENT, agent.c_str());
  transfer.Set(CURLOPT_WRITEFUNCTION, TakeBody);
  transfer.Set(CURLOPT_WRITEDATA, static_cast<void*>(&receiver));
  transfer.Set(CURLOPT_HEADERFUNCTION, TakeHeader);
  transfer.Set(CURLOPT_HEADERDATA, static_cast<void*>(&receiver));
  SetMethod(request, &transfer);
  const CURLcode code = transfer.Perform(stop);
  if (code != CURLE_OK) return Explain(code, request, transfer);
  receiver.response.status = transfer.ReplyCode();
  return std::move(receiver.response);
}

std::string PlaceOfUrl(const std::string& url) {
  struct FreeUrl {
    void operator()(CURLU* parsed) const { curl_url_cleanup(parsed); }
  };
  const std::unique_ptr<CURLU, FreeUrl> parsed(curl_url());
  const std::string unknown = "the URL";
  if (parsed == nullptr ||
      curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) {
    return unknown;
  }
  std::string place;
  for (const auto& [part, before] :
       {std::pair(CURLUPART_SCHEME, ""), std::pair(CURLUPART_HOST, "://"),
        std::pair(CURLUPART_PORT, ":")}) {
    char* text = nullptr;
    if (curl_url_get(parsed.get(), part, &text, CURLU_DEFAULT_PORT) !=
        CURLUE_OK) {
      return unknown;
    }
    place.append(before).append(Printable(text, 255));
    curl_free(text);
  }
  return place;
}

}  // namespace levelkeep
