// Measures the KV cache for "npm run bench:kv" (bench/kv.mjs), which chooses texts, runs this and judges. Every part
// prints one JSON object on the standard output.
//
//   kv_bench PART [--option value]...
#include <cstdio>
#include <string>

#include "program.h"

int main(int argc, char** argv) {
  using namespace niwaki::kvbench;
  const struct {
    const char* name;
    void (*run)(const Arguments&);
  } parts[] = {{"quality", RunQuality},
               {"free", RunFree},
               {"passkey", RunPasskey},
               {"bytes", RunBytes},
               {"attention", RunAttention},
               {"encode", RunEncode},
               {"corruption", RunCorruption},
               {"pages", RunPages},
               {"prefix-reuse", RunPrefixReuse},
               {"prefix-fork", RunPrefixFork},
               {"prefix-shift", RunPrefixShift},
               {"prefix-em", RunPrefixEm},
               {"prefix-restore", RunPrefixRestore},
               {"prefix-soak", RunPrefixSoak}};
  try {
    const std::string wanted = argc > 1 ? argv[1] : "";
    for (const auto& part : parts) {
      if (wanted == part.name) {
        part.run(Arguments(argc - 2, argv + 2));
        return 0;
      }
    }
    throw Failure("there is no part \"" + wanted + "\"");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
