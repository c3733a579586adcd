#include "net/transfer.h"

#include <algorithm>
#include <mutex>

#include "base/text.h"

namespace levelkeep {

namespace {

constexpr std::chrono::seconds kConnectTimeout{15};
// curl's own timers are shorter; this is only an upper limit.
constexpr int kPollMs = 10'000;

// curl_global_init must be called once before the first handle is made.
// Nothing cleans up at exit, because other threads may be at work.
CURL* NewEasy() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  return curl_easy_init();
}

int StopIfAsked(void* stop, curl_off_t /*total*/, curl_off_t /*now*/,
                curl_off_t /*upload_total*/, curl_off_t /*upload_now*/) {
  return static_cast<const std::stop_token*>(stop)->stop_requested() ? 1 : 0;
}

}  // namespace

Transfer::Transfer(std::chrono::milliseconds timeout,
                   const std::string& ca_file)
    : easy_(NewEasy()), multi_(curl_multi_init()) {
  if (!valid()) return;
  const auto limit = [](std::chrono::milliseconds value) {
    return static_cast<long>(std::max<int64_t>(1, value.count()));
  };
  Set(CURLOPT_NOSIGNAL, 1L);
  Set(CURLOPT_TIMEOUT_MS, limit(timeout));
  Set(CURLOPT_CONNECTTIMEOUT_MS,
      limit(std::min<std::chrono::milliseconds>(timeout, kConnectTimeout)));
  Set(CURLOPT_ERRORBUFFER, detail_.data());
  Set(CURLOPT_SSL_VERIFYPEER, 1L);
  Set(CURLOPT_SSL_VERIFYHOST, 2L);
#if LIBCURL_VERSION_NUM >= 0x075700
  // A name that is still being looked up does not delay a stop.
  Set(CURLOPT_QUICK_EXIT, 1L);
#endif
  if (!ca_file.empty()) Set(CURLOPT_CAINFO, ca_file.c_str());
}

Transfer::~Transfer() {
  if (easy_ != nullptr) curl_easy_cleanup(easy_);
  if (multi_ != nullptr) curl_multi_cleanup(multi_);
}

void Transfer::Allow(const char* schemes) {
#if LIBCURL_VERSION_NUM >= 0x075500
  Set(CURLOPT_PROTOCOLS_STR, schemes);
#else
  const std::string list = schemes;
  Set(CURLOPT_PROTOCOLS, list.starts_with("http")
                             ? CURLPROTO_HTTP | CURLPROTO_HTTPS
                             : CURLPROTO_SMTP | CURLPROTO_SMTPS);
#endif
}

// A handle that is removed in the middle of a mail would end the mail as if it
// were whole. So a stop is an error that curl's own callback returns.
CURLcode Transfer::Perform(const std::stop_token& stop) {
  Set(CURLOPT_NOPROGRESS, 0L);
  Set(CURLOPT_XFERINFOFUNCTION, StopIfAsked);
  Set(CURLOPT_XFERINFODATA, static_cast<const void*>(&stop));
  if (curl_multi_add_handle(multi_, easy_) != CURLM_OK) {
    return CURLE_OUT_OF_MEMORY;
  }
  const std::stop_callback wake(stop, [this] { curl_multi_wakeup(multi_); });
  CURLcode outcome = CURLE_FAILED_INIT;
  int running = 1;
  while (running > 0) {
    if (curl_multi_perform(multi_, &running) != CURLM_OK) break;
    if (running > 0) curl_multi_poll(multi_, nullptr, 0, kPollMs, nullptr);
  }
  int left = 0;
  const CURLMsg* const message = curl_multi_info_read(multi_, &left);
  if (message != nullptr && message->msg == CURLMSG_DONE) {
    outcome = message->data.result;
  }
  curl_multi_remove_handle(multi_, easy_);
  return outcome;
}

long Transfer::ReplyCode() const {
  long code = 0;
  curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &code);
  return code;
}

bool Transfer::Connected() const {
  curl_off_t time = 0;
  curl_easy_getinfo(easy_, CURLINFO_CONNECT_TIME_T, &time);
  return time > 0;
}

std::string Transfer::Detail(CURLcode code) const {
  const std::string own = detail_.data();
  return Printable(own.empty() ? curl_easy_strerror(code) : own, 200);
}

Status NoTransfer() {
  return Status(StatusCode::kNoSpace, "no memory for a network transfer");
}

}  // namespace levelkeep
