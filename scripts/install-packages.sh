#!/usr/bin/env bash
# Installs what LevelKeep needs from the distribution's own packages.
#
#   scripts/install-packages.sh [GROUP...]      default: build test
#
#   build    compiler, build tools and libraries
#   test     additional packages for the tests and the checks; of prometheus only
#            promtool is used, and its server may be disabled
#   mounts   the file systems of tests/process/test_file_systems.py that only
#            scripts/nightly.sh tries
#   containers  a Docker engine, for tests/containers/
#   bench    the programs that bench/compare.sh compares, and Google Benchmark
#   fuzz     clang with its sanitizers and libFuzzer
#   runtime  only what the finished program needs (Debian 12's names)
#
# Needs a Debian-like system, and root or sudo unless nothing is missing.
# Asks no questions, and ends at once if all packages are installed.
set -euo pipefail
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

build_packages() {
  printf '%s\n' \
    g++ cmake ninja-build pkg-config ccache \
    libleveldb-dev libsnappy-dev libarchive-dev libcpp-httplib-dev \
    nlohmann-json3-dev libspdlog-dev libfmt-dev libssl-dev zlib1g-dev \
    libcctz-dev libcurl4-openssl-dev libcli11-dev
  if isal_available; then echo libisal-dev; fi
}

test_packages() {
  printf '%s\n' \
    libgtest-dev libgmock-dev libbenchmark-dev \
    python3 python3-plyvel python3-pytest python3-yaml python3-croniter \
    python3-aiosmtpd prometheus tzdata \
    git strace curl pigz libarchive-tools procps util-linux mount \
    libfuse3-dev e2fsprogs xfsprogs btrfs-progs libfaketime \
    mergerfs exfat-fuse exfatprogs \
    golang-go golang-github-syndtr-goleveldb-dev \
    clang-tidy clang-format shellcheck gcovr docker-compose systemd
  if isal_available; then echo isal; fi
  # Node may be installed from another source, with which Debian's packages
  # would conflict.
  command -v node >/dev/null || echo nodejs
  command -v npm >/dev/null || echo npm
}

mount_packages() {
  printf '%s\n' \
    mergerfs exfat-fuse exfatprogs bindfs gocryptfs encfs unionfs-fuse \
    fuse-overlayfs ntfs-3g rclone sshfs openssh-sftp-server
}

container_packages() {
  printf '%s\n' \
    docker.io docker-compose iptables debootstrap python3 python3-pytest git
}

bench_packages() {
  printf '%s\n' \
    libbenchmark-dev librocksdb-dev python3 git \
    tar gzip pigz zstd libarchive-tools restic borgbackup
  if isal_available; then echo isal; fi
}

# Debian 12's package is version 14.
fuzz_packages() { printf '%s\n' clang libclang-rt-dev python3; }

runtime_packages() {
  printf '%s\n' \
    libleveldb1d libsnappy1v5 libarchive13 libcpp-httplib0.11 \
    libspdlog1.10 libfmt9 libssl3 zlib1g libcctz2 libcurl4 ca-certificates tzdata \
    libstdc++6
  if isal_available; then echo libisal2; fi
}

# Prints the packages among its arguments that are not installed.
missing_of() {
  local package state
  for package in "$@"; do
    state="$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null ||
      true)"
    # A multiarch package of both architectures gives "installedinstalled".
    [[ "$state" == installed* ]] || printf '%s\n' "$package"
  done
}

as_root() {
  if [[ "$(id -u)" == 0 ]]; then
    "$@"
  elif ! command -v sudo >/dev/null; then
    die "packages are missing, and this is neither root nor is there sudo" \
      "as root, run: apt-get install -y ${missing[*]}"
  elif [[ -t 0 ]]; then
    sudo "$@"
  else
    sudo -n "$@"
  fi
}

# Another apt may be running (a fresh machine updates itself): apt waits for its
# locks, and a mirror that fails for a moment gets two more chances.
apt_get() {
  local try
  for try in 1 2 3; do
    if as_root env DEBIAN_FRONTEND=noninteractive apt-get \
      -o DPkg::Lock::Timeout=120 -o Acquire::Retries=3 -q "$@" >&2; then
      return 0
    fi
    say "apt-get $1 failed (attempt $try of 3)"
    [[ $try == 3 ]] || sleep 10
  done
  return 1
}

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
  die "this is not a Debian-like system: there is no apt-get" \
    "install the libraries that README.md lists by hand, then call cmake"
fi

wanted=()
for group in "${@:-build test}"; do
  # Unquoted on purpose: the default is two words.
  for name in $group; do
    case "$name" in
      build) mapfile -t -O "${#wanted[@]}" wanted < <(build_packages) ;;
      test) mapfile -t -O "${#wanted[@]}" wanted < <(test_packages) ;;
      mounts) mapfile -t -O "${#wanted[@]}" wanted < <(mount_packages) ;;
      containers)
        mapfile -t -O "${#wanted[@]}" wanted < <(container_packages)
        ;;
      bench) mapfile -t -O "${#wanted[@]}" wanted < <(bench_packages) ;;
      fuzz) mapfile -t -O "${#wanted[@]}" wanted < <(fuzz_packages) ;;
      runtime) mapfile -t -O "${#wanted[@]}" wanted < <(runtime_packages) ;;
      *) die "unknown group '$name'" "use build, test, mounts, containers, bench, fuzz or runtime" ;;
    esac
  done
done

mapfile -t missing < <(missing_of "${wanted[@]}")
if [[ ${#missing[@]} == 0 ]]; then
  say "packages: all ${#wanted[@]} are installed"
  exit 0
fi

say "packages: installing ${missing[*]}"
apt_get update || die "the package lists could not be fetched" \
  "check the network and /etc/apt/sources.list"
apt_get install -y --no-install-recommends "${missing[@]}" ||
  die "apt-get could not install: ${missing[*]}" \
    "Debian 12 and later have all of them; see the lines above"
mapfile -t missing < <(missing_of "${missing[@]}")
[[ ${#missing[@]} == 0 ]] || die "still not installed: ${missing[*]}"
