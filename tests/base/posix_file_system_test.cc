#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>

#include "base/file_system.h"
#include "base/posix_error.h"
#include "base/posix_file.h"
#include "support/temp_dir.h"

namespace levelkeep {
namespace {

class PosixFileSystemTest : public testing::Test {
 protected:
  std::unique_ptr<File> Open(const std::string& name, OpenMode mode) {
    auto file = fs_->Open(dir_.Sub(name), mode);
    EXPECT_TRUE(file.ok()) << file.status().ToString();
    return file.ok() ? std::move(file).value() : nullptr;
  }
  StatusCode OpenCode(const std::string& name, OpenMode mode) {
    return fs_->Open(dir_.Sub(name), mode).status().code();
  }

  FileSystem* const fs_ = FileSystem::Posix();
  test::TempDir dir_;
};

TEST_F(PosixFileSystemTest, CreatesPrivateFilesAndReadsThemBack) {
  auto file = Open("a", OpenMode::kCreateNew);
  ASSERT_TRUE(file->Append("hello ").ok());
  ASSERT_TRUE(file->Append("world").ok());
  ASSERT_TRUE(file->WriteAt(0, "J").ok());
  ASSERT_TRUE(file->Append("!").ok());
  ASSERT_TRUE(file->Sync().ok());
  char buffer[64];
  EXPECT_EQ(file->ReadAt(0, buffer, sizeof buffer).value(), 12u);
  EXPECT_EQ(std::string_view(buffer, 12), "Jello world!");
  EXPECT_EQ(file->ReadAt(6, buffer, 3).value(), 3u);
  EXPECT_EQ(file->ReadAt(12, buffer, 3).value(), 0u);
  EXPECT_EQ(file->ReadAt(1000, buffer, 3).value(), 0u);
  EXPECT_EQ(file->Stat()->size_bytes, 12u);
  EXPECT_EQ(file->Stat()->mode & 0077u, 0u);
  file->WillNeed(0, 12);
  file->StartWriteback(0, 12);
  file->DontNeed(0, 12);
  EXPECT_TRUE(file->Close().ok());
  EXPECT_TRUE(file->Close().ok());
  EXPECT_FALSE(file->Append("after close").ok());
  EXPECT_EQ(test::ReadFile(dir_.Sub("a")), "Jello world!");
}

TEST_F(PosixFileSystemTest, ReadsWhatTheDeviceHolds) {
  const size_t size = 3 * kDeviceBlockBytes + 100;
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 31 >> 3);
  auto file = Open("a", OpenMode::kCreateNew);
  ASSERT_TRUE(file->Append(bytes).ok());
  ASSERT_TRUE(file->WaitForWriteback(0, size).ok());
  ASSERT_TRUE(file->Sync().ok());
  alignas(kDeviceBlockBytes) static char buffer[8 * kDeviceBlockBytes];
  // Reads from the beginning to beyond the end, from a block, at the end, and
  // after the end.
  for (const size_t offset : {size_t{0}, kDeviceBlockBytes,
                              3 * kDeviceBlockBytes, 4 * kDeviceBlockBytes}) {
    const auto count = file->ReadFromDevice(offset, buffer, sizeof buffer);
    ASSERT_TRUE(count.ok()) << count.status().ToString();
    const std::string expected = offset < size ? bytes.substr(offset) : "";
    EXPECT_EQ(std::string_view(buffer, *count), expected) << offset;
  }
  EXPECT_TRUE(file->IsCached(size + 1));  // there are no bytes to read
  // On a file system without such reads (procfs), it reads in the ordinary way.
  auto other = fs_->Open("/proc/self/maps", OpenMode::kRead);
  if (other.ok()) {
    EXPECT_GT((*other)->ReadFromDevice(0, buffer, kDeviceBlockBytes).value(),
              0u);
  }
}

TEST_F(PosixFileSystemTest, OpenModesDoWhatTheySay) {
  EXPECT_EQ(OpenCode("a", OpenMode::kRead), StatusCode::kNotFound);
  EXPECT_EQ(OpenCode("a", OpenMode::kReadWrite), StatusCode::kNotFound);
  EXPECT_EQ(OpenCode("no/a", OpenMode::kCreateNew), StatusCode::kNotFound);
  test::WriteFile(dir_.Sub("a"), "123");
  EXPECT_EQ(OpenCode("a", OpenMode::kCreateNew), StatusCode::kAlreadyExists);
  EXPECT_EQ(OpenCode("a/b", OpenMode::kRead), StatusCode::kInvalidArgument);
  EXPECT_TRUE(Open("a", OpenMode::kReadWrite)->Append("45").ok());
  EXPECT_TRUE(Open("a", OpenMode::kAppend)->Append("67").ok());
  EXPECT_TRUE(Open("new", OpenMode::kAppend)->Append("x").ok());
  EXPECT_FALSE(Open("a", OpenMode::kRead)->Append("no").ok());
  EXPECT_EQ(test::ReadFile(dir_.Sub("a")), "1234567");
  EXPECT_EQ(test::ReadFile(dir_.Sub("new")), "x");
}

TEST_F(PosixFileSystemTest, WritersOfAFileAreSeen) {
  const std::string path = dir_.Sub("copied");
  test::WriteFile(path, "half");
  auto reader = fs_->Open(path, OpenMode::kRead);
  ASSERT_TRUE(reader.ok());
  EXPECT_FALSE((*reader)->HasWriter());
  auto writer = fs_->Open(path, OpenMode::kReadWrite);
  ASSERT_TRUE(writer.ok());
  ASSERT_TRUE((*reader)->HasWriter()) << "or this file system has no leases";
  ASSERT_TRUE((*writer)->Close().ok());
  EXPECT_FALSE((*reader)->HasWriter());
  // No lease is left that would delay a writer.
  EXPECT_TRUE(fs_->Open(path, OpenMode::kReadWrite).ok());
}

TEST_F(PosixFileSystemTest, AppendsOfSeveralWritersAllArrive) {
  auto first = Open("log", OpenMode::kAppend);
  auto second = Open("log", OpenMode::kAppend);
  ASSERT_TRUE(first->Append("1\n").ok());
  ASSERT_TRUE(second->Append("2\n").ok());
  ASSERT_TRUE(first->Append("3\n").ok());
  EXPECT_EQ(test::ReadFile(dir_.Sub("log")), "1\n2\n3\n");
}

TEST_F(PosixFileSystemTest, WritesFromSeveralThreadsMeetInOneFile) {
  auto file = Open("a", OpenMode::kCreateNew);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&file, t] {
        for (uint64_t i = 0; i < 100; ++i) {
          const uint64_t offset = (i * 4 + static_cast<uint64_t>(t)) * 8;
          EXPECT_TRUE(
              file->WriteAt(offset, std::string(8, static_cast<char>('a' + t)))
                  .ok());
        }
      });
    }
  }
  const std::string text = test::ReadFile(dir_.Sub("a"));
  ASSERT_EQ(text.size(), 3200u);
  for (size_t i = 0; i < text.size(); ++i) {
    ASSERT_EQ(text[i], static_cast<char>('a' + i / 8 % 4)) << i;
  }
}

TEST_F(PosixFileSystemTest, OpensRegularFilesOnlyAndNeverBlocks) {
  ASSERT_EQ(::mkfifo(dir_.Sub("fifo").c_str(), 0600), 0);
  ASSERT_EQ(::mkdir(dir_.Sub("folder").c_str(), 0700), 0);
  test::WriteFile(dir_.Sub("real"), "x");
  ASSERT_EQ(::symlink("real", dir_.Sub("link").c_str()), 0);
  ASSERT_EQ(::symlink("nowhere", dir_.Sub("dangling").c_str()), 0);
  const int listener = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, dir_.Sub("socket").c_str(),
               sizeof address.sun_path - 1);
  ASSERT_EQ(
      ::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address),
      0);
  ::close(listener);
  for (const char* name : {"fifo", "folder", "link", "dangling", "socket"}) {
    for (const OpenMode mode :
         {OpenMode::kRead, OpenMode::kReadWrite, OpenMode::kAppend}) {
      const auto file = fs_->Open(dir_.Sub(name), mode);
      EXPECT_EQ(file.status().code(), StatusCode::kRefused) << name;
      EXPECT_NE(file.status().message().find(dir_.Sub(name)),
                std::string::npos);
    }
    EXPECT_EQ(OpenCode(name, OpenMode::kCreateNew), StatusCode::kAlreadyExists)
        << name;
    EXPECT_EQ(fs_->Lock(dir_.Sub(name)).status().code(), StatusCode::kRefused)
        << name;
  }
  EXPECT_FALSE(fs_->Stat(dir_.Sub("nowhere")).ok());
}

TEST_F(PosixFileSystemTest, FollowsLinksWhereItSaysSo) {
  test::WriteFile(dir_.Sub("real"), "secret");
  ASSERT_EQ(::mkdir(dir_.Sub("folder").c_str(), 0700), 0);
  test::WriteFile(dir_.Sub("folder/inside"), "");
  ASSERT_EQ(::symlink("real", dir_.Sub("link").c_str()), 0);
  ASSERT_EQ(::symlink("folder", dir_.Sub("to_folder").c_str()), 0);
  EXPECT_EQ(
      ReadFile(fs_, dir_.Sub("link"), 100, OpenMode::kReadFollowing).value(),
      "secret");
  EXPECT_EQ(OpenCode("to_folder", OpenMode::kReadFollowing),
            StatusCode::kRefused);
  EXPECT_EQ(fs_->Stat(dir_.Sub("link"))->type, FileType::kSymlink);
  EXPECT_EQ(fs_->StatFollowing(dir_.Sub("link"))->type, FileType::kRegular);
  EXPECT_EQ(fs_->List(dir_.Sub("to_folder")).value(),
            std::vector<std::string>{"inside"});
  EXPECT_TRUE(fs_->SyncDirectory(dir_.Sub("to_folder")).ok());
}

TEST_F(PosixFileSystemTest, StatSaysWhatThereIs) {
  test::WriteFile(dir_.Sub("a"), "12345");
  ASSERT_EQ(::chmod(dir_.Sub("a").c_str(), 0640), 0);
  ASSERT_TRUE(fs_->Link(dir_.Sub("a"), dir_.Sub("b")).ok());
  const FileInfo info = fs_->Stat(dir_.Sub("a")).value();
  EXPECT_EQ(info.type, FileType::kRegular);
  EXPECT_EQ(info.size_bytes, 5u);
  EXPECT_EQ(info.mode, 0640u);
  EXPECT_EQ(info.links, 2u);
  EXPECT_EQ(info.inode, fs_->Stat(dir_.Sub("b"))->inode);
  EXPECT_EQ(info.device, fs_->Stat(dir_.path())->device);
  struct stat data;
  ASSERT_EQ(::stat(dir_.Sub("a").c_str(), &data), 0);
  EXPECT_EQ(info.mtime_ns / 1'000'000'000, data.st_mtim.tv_sec);
  EXPECT_EQ(info.mtime_ns % 1'000'000'000, data.st_mtim.tv_nsec);
  EXPECT_EQ(fs_->Stat(dir_.path())->type, FileType::kDirectory);
  EXPECT_EQ(fs_->Stat("/dev/null")->type, FileType::kOther);
  EXPECT_EQ(fs_->Stat(dir_.Sub("none")).status().code(), StatusCode::kNotFound);
}

TEST_F(PosixFileSystemTest, ListsNamesInOrder) {
  EXPECT_TRUE(fs_->List(dir_.path())->empty());
  for (const char* name : {"b", "a", ".hidden", "c d"}) {
    test::WriteFile(dir_.Sub(name), "");
  }
  EXPECT_EQ(fs_->List(dir_.path()).value(),
            (std::vector<std::string>{".hidden", "a", "b", "c d"}));
  EXPECT_EQ(fs_->List(dir_.Sub("none")).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(fs_->List(dir_.Sub("a")).status().code(),
            StatusCode::kInvalidArgument);
}

TEST_F(PosixFileSystemTest, MakesAndRemovesPrivateFolders) {
  const std::string path = dir_.Sub("d");
  EXPECT_TRUE(fs_->CreateDirectory(path).ok());
  EXPECT_EQ(fs_->Stat(path)->mode & 0077u, 0u);
  EXPECT_EQ(fs_->CreateDirectory(path).code(), StatusCode::kAlreadyExists);
  test::WriteFile(path + "/x", "");
  EXPECT_EQ(fs_->RemoveDirectory(path).code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(fs_->RemoveFile(path).code(), StatusCode::kInvalidArgument);
  EXPECT_TRUE(fs_->RemoveFile(path + "/x").ok());
  EXPECT_EQ(fs_->RemoveFile(path + "/x").code(), StatusCode::kNotFound);
  EXPECT_TRUE(fs_->SyncDirectory(path).ok());
  EXPECT_TRUE(fs_->RemoveDirectory(path).ok());
  EXPECT_EQ(fs_->RemoveDirectory(path).code(), StatusCode::kNotFound);
  EXPECT_EQ(fs_->SyncDirectory(path).code(), StatusCode::kNotFound);
}

TEST_F(PosixFileSystemTest, RenameReplacesAndTheOtherOneDoesNot) {
  test::WriteFile(dir_.Sub("a"), "A");
  test::WriteFile(dir_.Sub("b"), "B");
  const Status refused = fs_->RenameNoReplace(dir_.Sub("a"), dir_.Sub("b"));
  EXPECT_EQ(refused.code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(test::ReadFile(dir_.Sub("b")), "B");
  EXPECT_TRUE(fs_->RenameNoReplace(dir_.Sub("a"), dir_.Sub("c")).ok());
  EXPECT_TRUE(fs_->Rename(dir_.Sub("c"), dir_.Sub("b")).ok());
  EXPECT_EQ(test::ReadFile(dir_.Sub("b")), "A");
  EXPECT_EQ(fs_->List(dir_.path())->size(), 1u);
  EXPECT_EQ(fs_->Rename(dir_.Sub("x"), dir_.Sub("y")).code(),
            StatusCode::kNotFound);
  EXPECT_EQ(fs_->RenameNoReplace(dir_.Sub("x"), dir_.Sub("y")).code(),
            StatusCode::kNotFound);
}

TEST_F(PosixFileSystemTest, ExchangesTwoFolders) {
  ASSERT_TRUE(fs_->CreateDirectory(dir_.Sub("a")).ok());
  ASSERT_TRUE(fs_->CreateDirectory(dir_.Sub("b")).ok());
  test::WriteFile(dir_.Sub("a/x"), "");
  ASSERT_TRUE(fs_->Exchange(dir_.Sub("a"), dir_.Sub("b")).ok());
  EXPECT_TRUE(PathExists(fs_, dir_.Sub("b/x")));
  EXPECT_EQ(fs_->Exchange(dir_.Sub("a"), dir_.Sub("none")).code(),
            StatusCode::kNotFound);
  // The error is EINVAL, also on a file system without the operation.
  ASSERT_TRUE(fs_->CreateDirectory(dir_.Sub("b/in")).ok());
  EXPECT_EQ(fs_->Exchange(dir_.Sub("b"), dir_.Sub("b/in")).code(),
            StatusCode::kUnsupported);
}

TEST_F(PosixFileSystemTest, LinksWithoutFollowingOrReplacing) {
  test::WriteFile(dir_.Sub("a"), "A");
  ASSERT_EQ(::symlink("a", dir_.Sub("link").c_str()), 0);
  ASSERT_TRUE(fs_->Link(dir_.Sub("link"), dir_.Sub("link2")).ok());
  EXPECT_EQ(fs_->Stat(dir_.Sub("link2"))->type, FileType::kSymlink);
  EXPECT_EQ(fs_->Link(dir_.Sub("a"), dir_.Sub("link")).code(),
            StatusCode::kAlreadyExists);
}

TEST_F(PosixFileSystemTest, SetsModesButNotThroughLinks) {
  test::WriteFile(dir_.Sub("a"), "A");
  ASSERT_EQ(::symlink("a", dir_.Sub("link").c_str()), 0);
  EXPECT_TRUE(fs_->SetMode(dir_.Sub("a"), 0400).ok());
  EXPECT_EQ(fs_->Stat(dir_.Sub("a"))->mode, 0400u);
  EXPECT_EQ(fs_->SetMode(dir_.Sub("link"), 0777).code(), StatusCode::kRefused);
  EXPECT_EQ(fs_->Stat(dir_.Sub("a"))->mode, 0400u);
  EXPECT_EQ(fs_->SetMode(dir_.Sub("none"), 0600).code(), StatusCode::kNotFound);
}

TEST_F(PosixFileSystemTest, TellsTheFreeSpace) {
  const uint64_t free = fs_->FreeSpace(dir_.path()).value();
  EXPECT_GT(fs_->DiskSize(dir_.path()).value(), free / 2);
  EXPECT_EQ(fs_->DiskSize("/proc").value(), 0u);
  EXPECT_EQ(fs_->DiskSize(dir_.Sub("none")).status().code(),
            StatusCode::kNotFound);
  EXPECT_EQ(fs_->FreeSpace("/proc").value(), 0u);
  EXPECT_EQ(fs_->FreeSpace(dir_.Sub("none")).status().code(),
            StatusCode::kNotFound);
}

TEST_F(PosixFileSystemTest, CopiesRangesBehindWhatIsThere) {
  const std::string data(3'000'000, 'x');
  test::WriteFile(dir_.Sub("a"), data + "tail");
  auto source = Open("a", OpenMode::kRead);
  auto target = Open("b", OpenMode::kCreateNew);
  ASSERT_TRUE(target->Append("head").ok());
  ASSERT_TRUE(source->CopyRangeTo(target.get(), 3, data.size()).ok());
  ASSERT_TRUE(target->Append("end").ok());
  EXPECT_TRUE(source->CopyRangeTo(target.get(), 0, 0).ok());
  EXPECT_EQ(test::ReadFile(dir_.Sub("b")),
            "head" + data.substr(3) + "tai" + "end");
  const Status beyond =
      source->CopyRangeTo(target.get(), data.size(), data.size());
  EXPECT_EQ(beyond.code(), StatusCode::kCorruption);
  // The kernel does not copy into O_APPEND; reading and writing does.
  auto log = Open("log", OpenMode::kAppend);
  EXPECT_TRUE(source->CopyRangeTo(log.get(), data.size(), 4).ok());
  EXPECT_EQ(test::ReadFile(dir_.Sub("log")), "tail");
}

// Like a full disk for a job that has to wait; the hint tells the two apart.
TEST_F(PosixFileSystemTest, ALimitOfFileSizesIsNamed) {
  auto file = Open("a", OpenMode::kCreateNew);
  struct rlimit before;
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  struct rlimit small = before;
  small.rlim_cur = 10'000;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  const Status written = file->Append(std::string(20'000, 'x'));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ::signal(SIGXFSZ, handler);
  EXPECT_EQ(written.code(), StatusCode::kIoError);
  EXPECT_NE(written.message().find(dir_.Sub("a")), std::string::npos);
  EXPECT_NE(written.hint().find("ulimit -f"), std::string::npos);
}

TEST(PosixErrorTest, MapsErrorsToCodesWithAHintWherePeopleCanAct) {
  const struct {
    int error;
    StatusCode code;
    bool hint;
  } kCases[] = {
      {ENOSPC, StatusCode::kNoSpace, true},
      {EDQUOT, StatusCode::kNoSpace, true},
      {EACCES, StatusCode::kPermissionDenied, true},
      {EPERM, StatusCode::kPermissionDenied, true},
      {EROFS, StatusCode::kPermissionDenied, true},
      {ENOENT, StatusCode::kNotFound, false},
      {EEXIST, StatusCode::kAlreadyExists, false},
      {ENOTEMPTY, StatusCode::kAlreadyExists, false},
      {EBUSY, StatusCode::kBusy, false},
      {EXDEV, StatusCode::kUnsupported, true},
      {EOPNOTSUPP, StatusCode::kUnsupported, true},
      {EMFILE, StatusCode::kIoError, true},
      {EIO, StatusCode::kIoError, true},
      {ESTALE, StatusCode::kIoError, true},
      {EBADF, StatusCode::kIoError, false},
  };
  for (const auto& c : kCases) {
    const Status status = PosixError(c.error, "open", "/x/y");
    EXPECT_EQ(status.code(), c.code) << c.error;
    EXPECT_EQ(!status.hint().empty(), c.hint) << c.error;
    EXPECT_TRUE(status.message().starts_with("cannot open /x/y: "))
        << status.message();
  }
  EXPECT_EQ(PosixError(ENOENT, "open", "/x").message(),
            "cannot open /x: No such file or directory");
}

}  // namespace
}  // namespace levelkeep
