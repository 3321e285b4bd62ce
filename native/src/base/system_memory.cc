#include "base/system_memory.h"

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#if !defined(NOMINMAX)
#define NOMINMAX
#endif
#include <windows.h>
#else
#include <sys/mman.h>
#include <unistd.h>
#endif

#if defined(__SANITIZE_ADDRESS__)
#define NIWAKI_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define NIWAKI_ASAN 1
#endif
#endif
#if defined(NIWAKI_ASAN)
extern "C" void __asan_poison_memory_region(const volatile void* begin, size_t bytes);
extern "C" void __asan_unpoison_memory_region(const volatile void* begin, size_t bytes);
#endif

namespace niwaki {
namespace {

constexpr size_t kHuge = size_t{2} << 20;

size_t RoundUp(size_t n, size_t unit) { return (n + unit - 1) / unit * unit; }

}  // namespace

#if defined(_WIN32)

// VirtualAlloc, VirtualFree: written by their documentation, not run.

size_t SystemMemory::PageBytes() {
  static const size_t bytes = [] {
    SYSTEM_INFO info;
    GetSystemInfo(&info);
    return static_cast<size_t>(info.dwPageSize);
  }();
  return bytes;
}

SystemMemory::SystemMemory(size_t bytes) {
  mapping_ = bytes == 0 ? nullptr : VirtualAlloc(nullptr, bytes, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
  if (mapping_ != nullptr) {
    mapped_ = RoundUp(bytes, PageBytes());
    data_ = static_cast<uint8_t*>(mapping_);
    bytes_ = bytes;
  }
}

SystemMemory::~SystemMemory() {
  if (mapping_ != nullptr) {
    VirtualFree(mapping_, 0, MEM_RELEASE);
  }
}

bool SystemMemory::Discard(uint8_t* begin, size_t bytes) {
  const size_t from = RoundUp(static_cast<size_t>(begin - data_), PageBytes());
  const size_t to = static_cast<size_t>(begin - data_ + static_cast<ptrdiff_t>(bytes)) / PageBytes() * PageBytes();
  // It stays committed: asking for it again could be refused, when a page is wanted. Reset pages leave memory without
  // being written to a page file, and unlocking what was not locked takes them out of the working set at once.
  if (to > from && VirtualAlloc(data_ + from, to - from, MEM_RESET, PAGE_READWRITE) != nullptr) {
    VirtualUnlock(data_ + from, to - from);
    return true;
  }
  return to <= from;
}

#else

size_t SystemMemory::PageBytes() {
  static const size_t bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

SystemMemory::SystemMemory(size_t bytes) {
  if (bytes == 0) {
    return;
  }
  const bool huge = bytes >= 2 * kHuge;
  const size_t rounded = RoundUp(bytes, PageBytes());
  // Room to begin at a multiple of a huge page; what is not needed of it is never touched.
  size_t mapped = rounded + (huge ? kHuge : 0);
#if defined(NIWAKI_ASAN)
  mapped += PageBytes();  // of which nobody may touch a byte
#endif
  void* mapping = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) {
    return;
  }
  mapping_ = mapping;
  mapped_ = mapped;
  data_ = static_cast<uint8_t*>(mapping);
  if (huge) {
    data_ += RoundUp(reinterpret_cast<uintptr_t>(mapping), kHuge) - reinterpret_cast<uintptr_t>(mapping);
#if defined(__linux__)
    madvise(data_, bytes / kHuge * kHuge, MADV_HUGEPAGE);  // the rest of a huge page would be memory that nobody uses
#endif
  }
  bytes_ = bytes;
#if defined(NIWAKI_ASAN)
  const uint8_t* end = data_ + bytes;
  __asan_poison_memory_region(end, static_cast<size_t>(static_cast<uint8_t*>(mapping) + mapped - end));
#endif
}

SystemMemory::~SystemMemory() {
  if (mapping_ != nullptr) {
#if defined(NIWAKI_ASAN)
    __asan_unpoison_memory_region(mapping_, mapped_);
#endif
    munmap(mapping_, mapped_);
  }
}

bool SystemMemory::Discard(uint8_t* begin, size_t bytes) {
  const size_t from = RoundUp(static_cast<size_t>(begin - data_), PageBytes());
  const size_t to = static_cast<size_t>(begin - data_ + static_cast<ptrdiff_t>(bytes)) / PageBytes() * PageBytes();
  if (to <= from) {
    return true;
  }
#if defined(__linux__)
  return madvise(data_ + from, to - from, MADV_DONTNEED) == 0;
#else
  // Elsewhere the advice may leave memory counted as the process's own until it runs short. A new mapping in the old
  // one's place does not.
  return mmap(data_ + from, to - from, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) !=
         MAP_FAILED;
#endif
}

#endif

}  // namespace niwaki
