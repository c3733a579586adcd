#include "http/request_reader.h"

#include <gtest/gtest.h>

#include <random>

#include "http/request_head.h"

namespace levelkeep::http {
namespace {

using State = RequestReader::State;

constexpr size_t kLimit = 1000;

RequestReader NewReader() {
  return RequestReader([](const Request*) { return kLimit; });
}

// Request line and Host, then `lines`, then the empty line and `body`.
std::string Post(const std::string& lines, const std::string& body = "") {
  return "POST /x HTTP/1.1\r\nHost: h\r\n" + lines + "\r\n" + body;
}

std::string Get(const std::string& lines) {
  return "GET /x HTTP/1.1\r\nHost: h\r\n" + lines + "\r\n";
}

// 0: the reader wants more bytes; 200: the request is complete; other values:
// the status of the refusal.
int Outcome(const std::string& bytes) {
  RequestReader reader = NewReader();
  switch (reader.Append(bytes)) {
    case State::kRequest:
      return 200;
    case State::kRefused:
      return reader.refusal().status;
    default:
      return 0;
  }
}

struct Case {
  const char* why;
  std::string bytes;
  int outcome;
};

TEST(RequestReaderTest, DecidesByTheTable) {
  const std::string zeros(kLimit, '0');
  const std::string kChunked = "Transfer-Encoding: chunked\r\n";
  std::string empty_lines;
  for (int i = 0; i < 17; i++) empty_lines += "\r\n";
  const Case cases[] = {
      {"plain", Get(""), 200},
      {"HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", 200},
      {"body by length", Post("Content-Length: 3\r\n", "abc"), 200},
      {"body at the limit", Post("Content-Length: 1000\r\n", zeros), 200},
      {"empty body", Post("Content-Length: 0\r\n"), 200},
      {"no length, no body", Post(""), 200},
      {"chunked",
       Post("Transfer-Encoding: chunked\r\n",
            "3\r\nabc\r\n2;ext=1\r\nde\r\n0\r\n\r\n"),
       200},
      {"chunked with trailer",
       Post("Transfer-Encoding: Chunked\r\n", "0\r\nX: y\r\n\r\n"), 200},
      {"empty line first", "\r\n" + Get(""), 200},
      {"endless empty lines", empty_lines + Get(""), 400},
      {"endless empty lines and nothing else", empty_lines, 400},
      {"head cut", "GET /x HTTP/1.1\r\nHost: h\r\n", 0},
      {"body cut", Post("Content-Length: 3\r\n", "ab"), 0},
      {"chunk cut", Post("Transfer-Encoding: chunked\r\n", "3\r\nab"), 0},
      // Request line
      {"garbage", "hello\r\n\r\n", 400},
      {"TLS hello", std::string("\x16\x03\x01\x02\x00\x01", 6) + "\r\n\r\n",
       400},
      {"HTTP/0.9", "GET /x\r\n\r\n", 400},
      {"two blanks", "GET  /x HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"method with colon", "G:T /x HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"long method", std::string(21, 'A') + " /x HTTP/1.1\r\n\r\n", 400},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"HTTP/1.2", "GET /x HTTP/1.2\r\nHost: h\r\n\r\n", 505},
      {"absolute form", "GET http://h/x HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"no slash", "GET x HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"bad escape", "GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"escaped NUL", "GET /%00 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"escaped CR LF", "GET /%0d%0aX HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"fragment", "GET /x#y HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"raw byte above ASCII", "GET /\xff HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"long line", "GET /" + std::string(9000, 'a'), 414},
      {"endless line", std::string(20000, 'a'), 414},
      // Headers
      {"no Host", "GET /x HTTP/1.1\r\n\r\n", 400},
      {"two Hosts", Get("Host: other\r\n"), 400},
      {"bare LF", "GET /x HTTP/1.1\nHost: h\n\n", 400},
      {"bare LF later", "GET /x HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", 400},
      {"bare CR", Get("X: a\rb\r\n"), 400},
      {"NUL", Get(std::string("X: a\0b\r\n", 8)), 400},
      {"blank before colon", Get("X : y\r\n"), 400},
      {"folded", Get("X: y\r\n z\r\n"), 400},
      {"no colon", Get("Xy\r\n"), 400},
      {"no name", Get(": y\r\n"), 400},
      {"101 headers", Get([] {
         std::string lines;
         for (int i = 0; i < 100; i++) lines += "X-A: 1\r\n";
         return lines;
       }()),
       431},
      {"40 KB of headers", Get("X: " + std::string(40000, 'a') + "\r\n"), 431},
      {"endless header", "GET /x HTTP/1.1\r\nX: " + std::string(40000, 'a'),
       431},
      {"two Authorizations", Get("Authorization: a\r\nAuthorization: b\r\n"),
       400},
      {"two Ranges", Get("Range: bytes=0-1\r\nRange: bytes=0-1\r\n"), 400},
      // Framing
      {"two lengths", Post("Content-Length: 3\r\nContent-Length: 4\r\n"), 400},
      {"same length twice", Post("Content-Length: 3\r\nContent-Length: 3\r\n"),
       400},
      {"list of lengths", Post("Content-Length: 3, 3\r\n"), 400},
      {"negative length", Post("Content-Length: -1\r\n"), 400},
      {"signed length", Post("Content-Length: +1\r\n"), 400},
      {"word length", Post("Content-Length: abc\r\n"), 400},
      {"hex length", Post("Content-Length: 0x3\r\n"), 400},
      {"overflowing length",
       Post("Content-Length: 99999999999999999999999\r\n"), 400},
      {"huge length", Post("Content-Length: 9999999999\r\n"), 413},
      {"length above the limit", Post("Content-Length: 1001\r\n"), 413},
      {"length and chunked",
       Post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), 400},
      {"gzip encoding", Post("Transfer-Encoding: gzip, chunked\r\n"), 501},
      {"chunked twice", Post("Transfer-Encoding: chunked, chunked\r\n"), 501},
      {"identity", Post("Transfer-Encoding: identity\r\n"), 501},
      {"HTTP/1.0 chunked",
       "POST /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"negative chunk", Post("Transfer-Encoding: chunked\r\n", "-1\r\n\r\n"),
       400},
      {"huge chunk", Post("Transfer-Encoding: chunked\r\n", "ffffffff\r\n"),
       413},
      {"overlong chunk size",
       Post("Transfer-Encoding: chunked\r\n", "000000003\r\nabc\r\n"), 400},
      {"overflowing chunk",
       Post("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\n"), 400},
      {"no size", Post("Transfer-Encoding: chunked\r\n", "\r\n"), 400},
      {"chunk with bare LF",
       Post("Transfer-Encoding: chunked\r\n", "3\nabc\n0\n\n"), 400},
      {"chunk longer than said",
       Post("Transfer-Encoding: chunked\r\n", "3\r\nabcd\r\n"), 400},
      {"chunk size and more", Post(kChunked, "3 4\r\nabc\r\n"), 400},
      {"chunk size and blanks", Post(kChunked, "3 \r\nabc\r\n"), 400},
      {"bare CR in an extension", Post(kChunked, "3;a\rb\r\nabc\r\n"), 400},
      {"NUL in an extension",
       Post(kChunked, std::string("3;\0\r\nabc\r\n", 11)), 400},
      {"trailer without colon", Post(kChunked, "0\r\nabc\r\n\r\n"), 400},
      {"folded trailer", Post(kChunked, "0\r\nA: b\r\n c\r\n\r\n"), 400},
      {"control character in a trailer", Post(kChunked, "0\r\nA: \x1b\r\n\r\n"),
       400},
      {"extension after a blank", Post(kChunked, "0 \t;a=\"b\"\r\n\r\n"), 200},
      {"endless chunk extension",
       Post("Transfer-Encoding: chunked\r\n", "3;" + std::string(600, 'x')),
       400},
      {"endless trailer",
       Post(
           "Transfer-Encoding: chunked\r\n",
           "0\r\n" +
               [] {
                 std::string lines;
                 for (int i = 0; i < 100; i++) {
                   lines += "X: " + std::string(100, 'y') + "\r\n";
                 }
                 return lines;
               }()),
       400},
      {"many chunks above the limit",
       Post("Transfer-Encoding: chunked\r\n",
            "1f4\r\n" + std::string(500, 'x') + "\r\n1f5\r\n"),
       413},
      {"gzip body", Post("Content-Encoding: gzip\r\nContent-Length: 1\r\n"),
       415},
      {"identity body",
       Post("Content-Encoding: identity\r\nContent-Length: 1\r\n", "x"), 200},
      {"unknown expectation", Post("Expect: 200-ok\r\n"), 417},
  };
  for (const Case& c : cases) EXPECT_EQ(Outcome(c.bytes), c.outcome) << c.why;
}

// Where packets are cut must not change the answer to a client: the limits
// count bytes, not calls.
TEST(RequestReaderTest, LimitsDoNotDependOnHowTheBytesArrive) {
  const auto line_of = [](size_t size) {
    const std::string frame = "GET / HTTP/1.1";
    return "GET /" + std::string(size - frame.size(), 'a') + " HTTP/1.1\r\n";
  };
  const auto head_of = [](size_t size) {
    return Get("X: " + std::string(size - Get("X: \r\n").size(), 'x') + "\r\n");
  };
  const std::string longest(kMaxRequestLineBytes + 2, 'a');
  const std::string largest = head_of(kMaxHeadBytes + 100);
  const Case cases[] = {
      {"longest line", line_of(kMaxRequestLineBytes) + "Host: h\r\n\r\n", 200},
      {"line too long", line_of(kMaxRequestLineBytes + 1) + "Host: h\r\n\r\n",
       414},
      {"bare LF, then a long line", "GET\n" + longest, 400},
      {"long line, then a bare LF", longest + "\n", 414},
      {"largest head", head_of(kMaxHeadBytes), 200},
      {"head too large", head_of(kMaxHeadBytes + 1), 431},
      {"large head, then a bare LF",
       largest.substr(0, kMaxHeadBytes + 1) + "\n\r\n\r\n", 431},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(Outcome(c.bytes), c.outcome) << c.why;
    RequestReader reader = NewReader();
    for (const char byte : c.bytes) {
      (void)reader.Append(std::string_view(&byte, 1));
    }
    const int outcome = reader.state() == State::kRefused
                            ? reader.refusal().status
                            : (reader.state() == State::kRequest ? 200 : 0);
    EXPECT_EQ(outcome, c.outcome) << c.why << ", byte by byte";
  }
}

TEST(RequestReaderTest, FillsTheRequest) {
  RequestReader reader = NewReader();
  ASSERT_EQ(reader.Append("POST /a%20b/c?x=1&y=a+b%26&z HTTP/1.1\r\n"
                          "HOST: localhost:5050\r\n"
                          "X-One:  a\tb \r\nAccept: p\r\naccept: q\r\n"
                          "Content-Length: 2\r\n\r\nhi"),
            State::kRequest);
  const Request& request = reader.head().request;
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.path, "/a b/c");
  EXPECT_EQ(request.query, (std::map<std::string, std::string>{
                               {"x", "1"}, {"y", "a b&"}, {"z", ""}}));
  EXPECT_EQ(request.headers.at("host"), "localhost:5050");
  EXPECT_EQ(request.headers.at("x-one"), "a\tb");
  EXPECT_EQ(request.headers.at("accept"), "p, q");
  EXPECT_EQ(request.body, "hi");
  EXPECT_TRUE(reader.head().keep_alive);
}

TEST(RequestReaderTest, HeaderValuesAreNotDecoded) {
  RequestReader reader = NewReader();
  ASSERT_EQ(reader.Append(Get("X-T: a%0d%0aSet-Cookie:%20x\r\n")),
            State::kRequest);
  EXPECT_EQ(reader.head().request.headers.at("x-t"), "a%0d%0aSet-Cookie:%20x");
}

TEST(RequestReaderTest, KnowsWhenTheConnectionStays) {
  const std::pair<std::string, bool> cases[] = {
      {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", true},
      {"GET / HTTP/1.1\r\nHost: h\r\nConnection: Close\r\n\r\n", false},
      {"GET / HTTP/1.1\r\nHost: h\r\nConnection: TE, close\r\n\r\n", false},
      {"GET / HTTP/1.0\r\n\r\n", false},
      {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
  };
  for (const auto& [bytes, keep] : cases) {
    RequestReader reader = NewReader();
    ASSERT_EQ(reader.Append(bytes), State::kRequest);
    EXPECT_EQ(reader.head().keep_alive, keep) << bytes;
  }
}

TEST(RequestReaderTest, ContinueIsWantedOnceAndOnlyForABodyToCome) {
  const std::string lines = "Expect: 100-continue\r\nContent-Length: 2\r\n";
  RequestReader reader = NewReader();
  EXPECT_EQ(reader.Append(Post(lines)), State::kBody);
  EXPECT_TRUE(reader.TakeContinue());
  EXPECT_FALSE(reader.TakeContinue());
  EXPECT_EQ(reader.Append("ok"), State::kRequest);
  RequestReader impatient = NewReader();
  EXPECT_EQ(impatient.Append(Post(lines, "o")), State::kBody);
  EXPECT_FALSE(impatient.TakeContinue());
  RequestReader too_large = NewReader();
  EXPECT_EQ(too_large.Append(
                Post("Expect: 100-continue\r\nContent-Length: 2000\r\n")),
            State::kRefused);
  EXPECT_FALSE(too_large.TakeContinue());
}

TEST(RequestReaderTest, PipelinedRequestsComeOneByOne) {
  RequestReader reader = NewReader();
  EXPECT_EQ(reader.Append(Post("Content-Length: 3\r\n", "GET") +
                          "GET /second HTTP/1.1\r\nHost: h\r\n\r\nG"),
            State::kRequest);
  EXPECT_EQ(reader.head().request.body, "GET");
  EXPECT_EQ(reader.Next(), State::kRequest);
  EXPECT_EQ(reader.head().request.path, "/second");
  EXPECT_EQ(reader.Next(), State::kHead);
  EXPECT_EQ(reader.Append("ET /third HTTP/1.1\r\nHost: h\r\n\r\n"),
            State::kRequest);
  EXPECT_EQ(reader.head().request.path, "/third");
  EXPECT_TRUE(reader.head().request.body.empty());
}

TEST(RequestReaderTest, TheCutBetweenReadsDoesNotMatter) {
  const std::string bytes =
      "\r\n" + Post("Transfer-Encoding: chunked\r\n",
                    "5;a=b\r\nhello\r\n1\r\n!\r\n0\r\nX: y\r\n\r\n");
  for (size_t cut = 1; cut < bytes.size(); cut++) {
    RequestReader reader = NewReader();
    reader.Append(bytes.substr(0, cut));
    ASSERT_EQ(reader.Append(bytes.substr(cut)), State::kRequest) << cut;
    EXPECT_EQ(reader.head().request.body, "hello!");
    EXPECT_EQ(reader.Next(), State::kIdle);
  }
  RequestReader reader = NewReader();
  State state = State::kIdle;
  for (char c : bytes) state = reader.Append(std::string_view(&c, 1));
  EXPECT_EQ(state, State::kRequest);
}

TEST(RequestReaderTest, RandomBytesNeverGetAnywhere) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const std::string base =
      Post("Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n",
           "3\r\nabc\r\n0\r\n\r\n");
  for (int round = 0; round < 20000; round++) {
    std::string bytes = base;
    for (auto edits = 1 + random() % 4; edits-- > 0;) {
      const size_t at = random() % bytes.size();
      if (random() % 2 == 0) {
        bytes[at] = static_cast<char>(random());
      } else {
        bytes.insert(at, 1, "\r\n :0f%\0,"[random() % 9]);
      }
    }
    RequestReader reader = NewReader();
    for (size_t at = 0; at < bytes.size(); at += 7) {
      reader.Append(std::string_view(bytes).substr(at, 7));
      if (reader.state() == State::kRequest) {
        ASSERT_LE(reader.head().request.body.size(), kLimit);
        reader.Next();
      }
    }
  }
}

TEST(UrlTest, DecodesOnce) {
  const auto target = ParseTarget("/a%2520b?n=%2B%3d");
  ASSERT_TRUE(target.has_value());
  EXPECT_EQ(target->path, "/a%20b");
  EXPECT_EQ(target->query.at("n"), "+=");
}

TEST(UrlTest, NamesTheParameterThatIsGivenTwice) {
  const auto head = ParseRequestHead(
      "GET /?limit=1&a%22=1&a%22=2 HTTP/1.1\r\nHost: h\r\n\r\n");
  const auto* const refusal = std::get_if<Refusal>(&head);
  ASSERT_NE(refusal, nullptr);
  EXPECT_EQ(refusal->status, 400);
  EXPECT_EQ(std::string(refusal->detail),
            "the query parameter \"a\"\" is given twice");
}

TEST(UrlTest, RefusesByTheTable) {
  for (const char* text :
       {"", "x", "*", "http://h/", "/%", "/%1", "/%1g", "/%7f", "/%c3", "/%ff",
        "/?a=1&a=2", "/?a=%0a", "/#"}) {
    EXPECT_FALSE(ParseTarget(text).has_value()) << text;
  }
  for (const char* text :
       {"/", "/?", "/?&&", "/?a", "/%c3%a9", "//", "/a/../b"}) {
    EXPECT_TRUE(ParseTarget(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace levelkeep::http
