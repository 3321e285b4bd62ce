// Headers of saved pages, and names of their files, for the fuzzer to start from.
#include <fstream>
#include <string>

#include "base/private_folder.h"
#include "kv/page_store_testing.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    return 2;
  }
  const std::string folder = argv[1];
  const niwaki::KvPageKind kind = niwaki::testing::SomeKind();
  for (const niwaki::testing::Page& page : niwaki::testing::Chain(kind, 1, 2)) {
    niwaki::KvPageHeader header;
    header.kind = kind.Digest();
    header.id = page.id;
    header.tokens = page.tokens;
    header.payload_bytes = 4000000;
    header.text = kind.Text();
    const std::string name = niwaki::KvPageFileName(page.id);
    const niwaki::KvPageHeaderBytes bytes = niwaki::WriteKvPageHeader(header);
    std::ofstream(folder + "/" + std::to_string(page.id.pages) + ".header", std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    std::ofstream(folder + "/" + std::to_string(page.id.pages) + ".name") << name;
    std::ofstream(folder + "/" + std::to_string(page.id.pages) + ".temporary")
        << niwaki::PrivateFolder::TemporaryName(name, 77);
  }
  return 0;
}
