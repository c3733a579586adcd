// One transfer with libcurl; private to the net module.

#ifndef LEVELKEEP_NET_TRANSFER_H_
#define LEVELKEEP_NET_TRANSFER_H_

#include <curl/curl.h>

#include <array>
#include <chrono>
#include <stop_token>
#include <string>

#include "levelkeep/status.h"

namespace levelkeep {

// Owns the handles of one transfer. Thread safety: one thread.
class Transfer {
 public:
  // Sets what all transfers have in common: a limit of time, no signals, TLS
  // certificates are checked (with `ca_file`, if it is not empty, instead of
  // the system's authorities).
  Transfer(std::chrono::milliseconds timeout, const std::string& ca_file);
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  // False: no memory; then no other method may be called.
  bool valid() const { return easy_ != nullptr && multi_ != nullptr; }
  template <typename Value>
  void Set(CURLoption option, Value value) {
    curl_easy_setopt(easy_, option, value);
  }
  // The schemes that the transfer may use: "http,https".
  void Allow(const char* schemes);

  // Blocks until the transfer has ended. CURLE_ABORTED_BY_CALLBACK after a
  // stop, which ends it within milliseconds.
  CURLcode Perform(const std::stop_token& stop);
  // The last reply code of the server; 0: there was none.
  long ReplyCode() const;
  // True if the connection was made (TLS may be missing yet).
  bool Connected() const;
  // curl's own words for the failure. They may name the host, never the URL's
  // path.
  std::string Detail(CURLcode code) const;

 private:
  CURL* const easy_;
  CURLM* const multi_;
  std::array<char, CURL_ERROR_SIZE> detail_ = {};
};

// The error for a handle that is not valid.
Status NoTransfer();

}  // namespace levelkeep

#endif  // LEVELKEEP_NET_TRANSFER_H_
