// The parts of a saved page's file: its identity, its name, its header.
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "base/crc32.h"
#include "base/testing.h"
#include "kv/page_store_testing.h"

namespace niwaki {
namespace {

using testing::Chain;
using testing::Page;
using testing::SomeKind;

std::string Hex(const Sha256::Digest& digest) {
  std::string out;
  for (const uint8_t byte : digest) {
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
  return out;
}

KvPageHeader SomeHeader() {
  const Page page = Chain(SomeKind(), 1, 2)[1];
  KvPageHeader header;
  header.kind = SomeKind().Digest();
  header.id = page.id;
  header.tokens = page.tokens;
  header.payload_bytes = 12345;
  header.payload_crc = 0x89abcdef;
  header.text = SomeKind().Text();
  return header;
}

// With a CRC that fits.
KvPageHeaderBytes Sealed(KvPageHeaderBytes bytes) {
  const uint32_t crc = Crc32(bytes.data(), bytes.size() - 4);
  for (size_t i = 0; i < 4; ++i) {
    bytes[bytes.size() - 4 + i] = static_cast<uint8_t>(crc >> (8 * i));
  }
  return bytes;
}

TEST("ids are the same everywhere, and pinned: saved files depend on them") {
  const std::vector<Page> chain = Chain(SomeKind(), 1, 2);
  EXPECT_EQ(Hex(SomeKind().Digest()), "3186b124f6cdf7ab872498dece12849a546fcfa01c713857927a2bae8103bc8b");
  EXPECT_EQ(Hex(chain[0].id.hash), "4c9dac829a1de2599570d8932455453dc5df85dae12422bad5ba3e352bd6d56e");
  EXPECT_EQ(Hex(chain[1].id.hash), "6cb891978bd6dad795af830f2f8fe85ec554ea39630f80d77f8250a852b120ee");
  EXPECT(chain[1].id.parent == chain[0].id.hash);
  EXPECT_EQ(chain[1].id.pages, 2);
  EXPECT_EQ(chain[0].id.parent[7], 0);
}

TEST("ids differ in anything: a token, their order, what was before, every field of the kind") {
  const KvPageKind kind = SomeKind();
  const std::vector<Page> chain = Chain(kind, 1, 3);
  std::set<std::string> seen;
  const auto fresh = [&](const KvPrefixId& id) { EXPECT(seen.insert(Hex(id.hash)).second); };
  fresh(chain[0].id);
  fresh(chain[1].id);
  fresh(NextKvPrefix(kind, {}, chain[1].tokens));           // the same page as the first one
  fresh(NextKvPrefix(kind, chain[0].id, chain[0].tokens));  // the same page again
  fresh(NextKvPrefix(kind, chain[1].id, chain[1].tokens));
  auto tokens = chain[1].tokens;
  std::swap(tokens[3], tokens[4]);
  fresh(NextKvPrefix(kind, chain[0].id, tokens));
  tokens = chain[1].tokens;
  tokens[127] ^= 1;
  fresh(NextKvPrefix(kind, chain[0].id, tokens));
  for (int field = 0; field < 7; ++field) {
    KvPageKind other = kind;
    const auto change = [&](int index, auto& value, const auto& to) {
      if (field == index) {
        value = to;
      }
    };
    change(0, other.model, std::string(32, 'c'));
    change(1, other.codecs, std::string("kv4 kv4"));
    change(2, other.basis, std::string(63, 'b'));
    change(3, other.kernels, std::string("oracle"));
    change(4, other.shape.layers, 3);
    change(5, other.shape.kv_heads, 3);
    change(6, other.shape.head_size, 128);
    EXPECT(!(other == kind));
    fresh(NextKvPrefix(other, chain[0].id, chain[1].tokens));
  }
  EXPECT(IsKvPrefixOf(chain[1].id, kind.Digest(), chain[1].tokens));
  EXPECT(!IsKvPrefixOf(chain[1].id, kind.Digest(), chain[0].tokens));
  KvPrefixId wrong = chain[1].id;
  wrong.pages = 3;
  EXPECT(!IsKvPrefixOf(wrong, kind.Digest(), chain[1].tokens));
  wrong = chain[1].id;
  wrong.parent = chain[2].id.hash;
  EXPECT(!IsKvPrefixOf(wrong, kind.Digest(), chain[1].tokens));
  EXPECT(!IsKvPrefixOf({}, kind.Digest(), chain[1].tokens));
  // Fields do not run into each other.
  KvPageKind left = kind;
  KvPageKind right = kind;
  left.model = "ab";
  left.codecs = "c";
  right.model = "a";
  right.codecs = "bc";
  EXPECT(!(left == right));
}

TEST("all kernel tables share their pages, but for the oracle") {
  EXPECT_EQ(KvKernelFamily("avx2"), KvKernelFamily("generic"));
  EXPECT(KvKernelFamily("oracle") != KvKernelFamily("generic"));
}

TEST("names: what the server takes for ours, and what not") {
  const KvPrefixId id = Chain(SomeKind(), 1, 2)[1].id;
  std::ifstream list(NIWAKI_SOURCE_DIR "/test/golden/kv-page-names.txt");
  std::string what;
  std::string name;
  int lines = 0;
  bool own = false;
  while (list >> what >> name) {
    ++lines;
    EXPECT_EQ(what == "page", ParseKvPageFileName(name).has_value());
    EXPECT_EQ(what == "temporary", IsKvPageTemporary(name));
    EXPECT_EQ(what == "folder", IsKvPageFolder(name));
    own = own || name == KvPageFileName(id);
  }
  EXPECT(lines >= 20);
  EXPECT(own);  // so that the list says what this code does
  const auto parsed = ParseKvPageFileName(KvPageFileName(id));
  EXPECT(parsed.has_value() && parsed->page == 2 && parsed->id == Hex(id.hash).substr(0, 16) &&
         parsed->parent == Hex(id.parent).substr(0, 16));
  EXPECT(IsKvPageTemporary(PrivateFolder::TemporaryName(KvPageFileName(id), 0xfedcba9876543210)));
}

TEST("a header comes back as it was written") {
  const KvPageHeader header = SomeHeader();
  const KvPageHeaderBytes bytes = WriteKvPageHeader(header);
  const Result<KvPageHeader> read = ReadKvPageHeader(bytes);
  ASSERT_OK(read);
  EXPECT(read.value().kind == header.kind && read.value().id == header.id && read.value().tokens == header.tokens);
  EXPECT_EQ(read.value().payload_bytes, header.payload_bytes);
  EXPECT_EQ(read.value().payload_crc, header.payload_crc);
  EXPECT_EQ(read.value().text, header.text);
  EXPECT(header.text.find("model aaaa") != std::string::npos && header.text.find("kv4 kv8") != std::string::npos);
  // A model of very many layers: the digest tells kinds apart, the text is for people.
  KvPageHeader longer = header;
  longer.text = std::string(10000, 'x');
  const Result<KvPageHeader> cut = ReadKvPageHeader(WriteKvPageHeader(longer));
  ASSERT_OK(cut);
  EXPECT(cut.value().text.size() > 3000);
}

TEST("a header with any byte changed is refused, and so is one of another size") {
  const KvPageHeaderBytes bytes = WriteKvPageHeader(SomeHeader());
  int taken = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    for (const int change : {1, 0x80, 0xff}) {
      KvPageHeaderBytes changed = bytes;
      changed[i] = static_cast<uint8_t>(changed[i] ^ change);
      taken += ReadKvPageHeader(changed).ok() ? 1 : 0;
    }
  }
  EXPECT_EQ(taken, 0);
  EXPECT(!ReadKvPageHeader({bytes.data(), bytes.size() - 1}).ok());
  EXPECT(!ReadKvPageHeader({}).ok());
}

TEST("a header whose CRC fits but that is none of ours is refused") {
  const KvPageHeaderBytes bytes = WriteKvPageHeader(SomeHeader());
  EXPECT(ReadKvPageHeader(Sealed(bytes)).ok());
  const auto refused = [&](size_t at, uint8_t value, StatusCode code) {
    KvPageHeaderBytes changed = bytes;
    changed[at] = value;
    EXPECT(ReadKvPageHeader(Sealed(changed)).status().code() == code);
  };
  refused(0, 'M', StatusCode::kBadFile);
  refused(8, 2, StatusCode::kUnsupported);   // the version
  refused(12, 1, StatusCode::kBadFile);      // the header's bytes
  refused(115, 0x80, StatusCode::kBadFile);  // the page's number is negative
  refused(120, 64, StatusCode::kBadFile);    // so many tokens
  refused(125, 1, StatusCode::kBadFile);     // where zeros should be
  refused(647, 1, StatusCode::kBadFile);     // the payload's bytes
  refused(4000, 'x', StatusCode::kBadFile);  // behind the text's end
}

}  // namespace
}  // namespace niwaki

NIWAKI_TEST_MAIN()
