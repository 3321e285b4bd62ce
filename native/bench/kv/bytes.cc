// What the caches of a large model really hold: pages are filled through the cache's own functions, and what the
// process has grown by is read from the system.
#include <cstdio>

#include "filled.h"
#include "json.h"
#include "kernels/dispatch.h"

namespace niwaki::kvbench {
void RunBytes(const Arguments& arguments) {
  const KvShape shape = {static_cast<int32_t>(arguments.Integer("layers", 36)),
                         static_cast<int32_t>(arguments.Integer("kv-heads", 8)),
                         static_cast<int32_t>(arguments.Integer("head-size", 128))};
  const int64_t tokens = arguments.Integer("tokens", 32768);
  const KvCodec codec = Take(ParseKvCodec(arguments.Text("codec", "kv4")));
  const Filler filler(shape.head_size);
  ThreadPool pool(static_cast<int>(arguments.Integer("threads", 2)));
  // Threads and their stacks are there before it counts.
  pool.ParallelFor(pool.threads() * 4, [](int64_t, int) {});

  const int64_t before = ResidentBytes();
  const auto cache = NewProductCache(shape, tokens, codec, *Take(FindKernelTable("")));
  filler.Fill(shape, tokens, *cache, pool);
  const int64_t resident = ResidentBytes() - before;
  JsonObject json;
  json.Text("codec", KvCodecText(codec)).Set("tokens", tokens).Set("allocated", cache->allocated_bytes());
  json.Set("resident", resident).Set("formula", KvBytes(shape, codec, tokens));
  json.Set("formulaF16", tokens * KvCache::BytesPerTokenF16(shape));
  std::printf("%s\n", json.str().c_str());
}

}  // namespace niwaki::kvbench
