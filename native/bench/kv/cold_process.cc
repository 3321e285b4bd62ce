#include "cold_process.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace niwaki::kvbench {
namespace {

struct Request {
  KvCodec codec;
  int64_t tokens;
};

bool ReadAll(int file, void* data, size_t bytes) {
  for (uint8_t* at = static_cast<uint8_t*>(data); bytes > 0;) {
    const ssize_t count = read(file, at, bytes);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      return false;
    }
    at += count;
    bytes -= static_cast<size_t>(count);
  }
  return true;
}

bool WriteAll(int file, const void* data, size_t bytes) {
  for (const uint8_t* at = static_cast<const uint8_t*>(data); bytes > 0;) {
    const ssize_t count = write(file, at, bytes);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      return false;
    }
    at += count;
    bytes -= static_cast<size_t>(count);
  }
  return true;
}

void Serve(Engine& engine, int in, int out) {
  Request request;
  while (ReadAll(in, &request, sizeof request)) {
    Tokens tokens(static_cast<size_t>(request.tokens));
    if (!ReadAll(in, tokens.data(), tokens.size() * sizeof(TokenId))) {
      return;
    }
    const Sha256::Digest digest = ColdProcess::DigestOf(Cold(engine, SessionOptions(request.codec), tokens));
    if (!WriteAll(out, digest.data(), digest.size())) {
      return;
    }
  }
}

}  // namespace

Sha256::Digest ColdProcess::DigestOf(std::span<const float> logits) {
  Sha256 sha;
  sha.Add(logits.data(), logits.size_bytes());
  return sha.Finish();
}

ColdProcess::ColdProcess(const std::function<std::unique_ptr<Engine>()>& load) {
  int there[2];
  int back[2];
  if (pipe(there) != 0 || pipe(back) != 0) {
    throw Failure("cannot make a pipe");
  }
  std::signal(SIGPIPE, SIG_IGN);
  child_ = fork();
  if (child_ < 0) {
    throw Failure("cannot start a process");
  }
  if (child_ == 0) {
    close(there[1]);
    close(back[0]);
    int status = 0;
    try {
      const std::unique_ptr<Engine> engine = load();
      Serve(*engine, there[0], back[1]);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s\n", error.what());
      status = 1;
    }
    _exit(status);
  }
  close(there[0]);
  close(back[1]);
  to_ = there[1];
  from_ = back[0];
}

ColdProcess::~ColdProcess() {
  close(to_);  // it ends when nobody asks it any more
  close(from_);
  waitpid(child_, nullptr, 0);
}

Sha256::Digest ColdProcess::Digest(KvCodec codec, std::span<const TokenId> tokens) {
  const Request request{codec, static_cast<int64_t>(tokens.size())};
  Sha256::Digest digest;
  if (!WriteAll(to_, &request, sizeof request) || !WriteAll(to_, tokens.data(), tokens.size_bytes()) ||
      !ReadAll(from_, digest.data(), digest.size())) {
    throw Failure("the process of the cold runs has ended");
  }
  return digest;
}

}  // namespace niwaki::kvbench
