#include "kernels/dispatch.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/cpu_features.h"

namespace niwaki {
namespace {

struct Entry {
  const KernelTable* table;
  const char* needs;
  bool supported;
  int rank;  // higher is better; 0 = only by name
};

std::vector<Entry> Entries() {
  std::vector<Entry> entries;
#if defined(__x86_64__) || defined(_M_X64)
  const CpuFeatures cpu = DetectCpu();
#if defined(NIWAKI_AMX)
  entries.push_back({&kAmxKernels, "x86-64 with AVX-512 as below, AMX-TILE and AMX-INT8, and Linux 5.16", cpu.amx, 4});
#endif
  entries.push_back({&kAvx512VnniKernels, "x86-64 with AVX-512 F, BW, VL, VBMI and VNNI", cpu.avx512vnni, 3});
  entries.push_back({&kAvx2Kernels, "x86-64 with AVX2, FMA and F16C", cpu.avx2, 2});
#elif defined(__aarch64__) || defined(_M_ARM64)
  // Advanced SIMD belongs to the platforms' ABIs on 64-bit ARM: floats are passed in its registers.
  entries.push_back({&kNeonKernels, "64-bit ARM", true, 2});
#endif
  entries.push_back({&kGenericKernels, "any CPU", true, 1});
  entries.push_back({&kOracleKernels, "any CPU; the slow float reference, only by name", true, 0});
  return entries;
}

std::string Lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

// The cap that NIWAKI_CPU sets, as a rank. An unknown value is an error: a typo must not silently change what runs.
Result<int> Cap(const std::vector<Entry>& entries) {
  const char* value = std::getenv("NIWAKI_CPU");
  if (value == nullptr || *value == '\0') {
    return 1 << 30;
  }
  const std::string wanted = Lower(value);
  std::string names;
  for (const Entry& entry : entries) {
    if (entry.rank > 0) {
      if (wanted == entry.table->name) {
        return entry.rank;
      }
      names += names.empty() ? "" : ", ";
      names += entry.table->name;
    }
  }
  return Status(StatusCode::kInvalidArgument, "the environment variable NIWAKI_CPU is \"" + std::string(value) +
                                                  "\"; set it to one of " + names +
                                                  ", or unset it to use the best kernels that this CPU supports");
}

}  // namespace

Result<const KernelTable*> FindKernelTable(std::string_view name) {
  const std::vector<Entry> entries = Entries();
  const Result<int> cap = Cap(entries);
  if (!cap.ok()) {
    return cap.status();
  }
  const std::string wanted = Lower(name);
  std::string available;
  const Entry* named = nullptr;
  for (const Entry& entry : entries) {
    const bool usable = entry.supported && entry.rank <= cap.value();
    if (wanted.empty() && usable && entry.rank > 0) {
      return entry.table;  // entries are sorted, best first
    }
    if (wanted == entry.table->name) {
      if (usable) {
        return entry.table;
      }
      named = &entry;
    }
    if (usable) {
      available += available.empty() ? "" : ", ";
      available += entry.table->name;
    }
  }
  if (named != nullptr) {
    const std::string why =
        named->supported ? "NIWAKI_CPU rules them out" : "this CPU lacks " + std::string(named->needs);
    return Status(StatusCode::kUnsupported,
                  "the kernels \"" + wanted + "\" cannot run here: " + why + "; available: " + available);
  }
  return Status(StatusCode::kNotFound,
                "there are no kernels called \"" + std::string(name) + "\"; available: " + available);
}

std::vector<KernelTableInfo> KernelTables() {
  const std::vector<Entry> entries = Entries();
  const Result<int> cap = Cap(entries);
  std::vector<KernelTableInfo> infos;
  for (const Entry& entry : entries) {
    infos.push_back({entry.table->name, entry.needs, entry.supported, cap.ok() && entry.rank <= cap.value()});
  }
  return infos;
}

Result<std::string> ChooseKernels(std::string_view name) {
  const Result<const KernelTable*> table = FindKernelTable(name);
  if (!table.ok()) {
    return table.status();
  }
  return std::string(table.value()->name);
}

Status SelfTest(std::string_view kernels) {
  const Result<const KernelTable*> table = FindKernelTable(kernels);
  return table.ok() ? CheckKernelTable(*table.value()) : table.status();
}

}  // namespace niwaki
