#!/usr/bin/env python3
"""Checkpoint -> GGUF v3 (architecture qwen3, all matrices Q1_0) and reference vectors.

    export.py --checkpoint runs/nano/last.pt --tokenizer tokenizer.json --manifest provenance.json --out nano.gguf
    export.py --reference reference.json --gguf nano.gguf --tokenizer tokenizer.json

The writer is self-contained (struct + numpy).  --reference reads the GGUF back, dequantises it, runs the fp32
PyTorch model of train.py on it and records prompt ids, top-20 logits and 64 greedy tokens per prompt.
"""
import argparse, json, os, struct, sys
import numpy as np

SPECIAL = ['<|endoftext|>', '<|fim_prefix|>', '<|fim_suffix|>', '<|fim_middle|>', '<|fim_pad|>',
           '<|repo_name|>', '<|file_sep|>', '<|im_start|>', '<|im_end|>']
F32, Q1_0, ALIGN = 0, 41, 32


def pack_q1_0(w):
    """fp32 [out, in] -> uint8 [out, in / 128 * 18]: per group fp16 mean|w| and 128 sign bits, least significant bit first."""
    g = np.ascontiguousarray(w, dtype=np.float32).reshape(w.shape[0], -1, 128)
    d = np.abs(g).mean(-1, dtype=np.float32)
    d = ((d.view(np.uint32) + 0x7fff + ((d.view(np.uint32) >> 16) & 1)) & np.uint32(0xffff0000)).view(np.float32)   # bf16, nearest even
    h = d.astype(np.float16)
    assert np.all(h.astype(np.float32) == d), 'scale not exact in fp16'
    bits = np.packbits(g >= 0, axis=-1, bitorder='little')
    return np.concatenate([h[..., None].view(np.uint8), bits], -1).reshape(w.shape[0], -1)


def unpack_q1_0(b, rows, cols):
    b = b.reshape(rows, cols // 128, 18)
    d = np.ascontiguousarray(b[..., :2]).view(np.float16).astype(np.float32)
    s = np.unpackbits(b[..., 2:], axis=-1, bitorder='little').astype(np.float32) * 2 - 1
    return (s * d).reshape(rows, cols)


def s_(x): x = x.encode(); return struct.pack('<Q', len(x)) + x


def kv(key, val, typ):
    """One metadata pair.  typ: 'u32' 'f32' 'bool' 'str' or '[str' '[i32'."""
    T = {'u32': (4, '<I'), 'i32': (5, '<i'), 'f32': (6, '<f'), 'bool': (7, '<?'), 'str': (8, None)}
    one = lambda t, v: s_(v) if t == 'str' else struct.pack(T[t][1], v)
    if typ[0] == '[':
        return s_(key) + struct.pack('<IIQ', 9, T[typ[1:]][0], len(val)) + b''.join(one(typ[1:], v) for v in val)
    return s_(key) + struct.pack('<I', T[typ][0]) + one(typ, val)


def write(path, meta, tensors):
    """tensors: [(name, type, logical shape (rows, cols) or (n,), raw bytes)]"""
    info, off = b'', 0
    for name, typ, shape, raw in tensors:
        info += s_(name) + struct.pack('<I', len(shape)) + b''.join(struct.pack('<Q', n) for n in reversed(shape)) + struct.pack('<IQ', typ, off)
        off += -(-len(raw) // ALIGN) * ALIGN
    head = b'GGUF' + struct.pack('<IQQ', 3, len(tensors), len(meta)) + b''.join(meta) + info
    with open(path, 'wb') as f:
        f.write(head + b'\0' * (-len(head) % ALIGN))
        for _, _, _, raw in tensors: f.write(raw + b'\0' * (-len(raw) % ALIGN))


def read(path):
    """Minimal GGUF v3 reader: (metadata dict, {tensor: fp32 array})."""
    b = open(path, 'rb').read(); p = 0
    def take(fmt):
        nonlocal p
        v = struct.unpack_from(fmt, b, p); p += struct.calcsize(fmt); return v[0] if len(v) == 1 else v
    def string():
        nonlocal p
        n = take('<Q'); v = b[p:p + n].decode(); p += n; return v
    def value(t):
        if t == 9: et, n = take('<IQ'); return [value(et) for _ in range(n)]
        return string() if t == 8 else take({4: '<I', 5: '<i', 6: '<f', 7: '<?', 10: '<Q'}[t])
    assert b[:4] == b'GGUF'; p = 4
    _, nt, nk = take('<IQQ')
    meta = {string(): value(take('<I')) for _ in range(nk)}
    infos = []
    for _ in range(nt):
        name = string(); nd = take('<I'); dims = [take('<Q') for _ in range(nd)][::-1]; typ, off = take('<IQ'); infos.append((name, dims, typ, off))
    base = -(-p // ALIGN) * ALIGN
    out = {}
    for name, dims, typ, off in infos:
        if typ == F32: out[name] = np.frombuffer(b, np.float32, int(np.prod(dims)), base + off).reshape(dims)
        else: out[name] = unpack_q1_0(np.frombuffer(b, np.uint8, dims[0] * dims[1] // 128 * 18, base + off), *dims)
    return meta, out


def export(a):
    import torch
    st = torch.load(a.checkpoint, map_location='cpu', weights_only=False)
    cfg, v = st['cfg'], {k: t.float().numpy() for k, t in st['opt']['v'].items()}
    tk = json.load(open(a.tokenizer))
    vocab, merges = tk['model']['vocab'], tk['model']['merges']
    toks = [t for t, _ in sorted(vocab.items(), key=lambda x: x[1])]
    assert len(toks) == cfg['vocab'] and toks[:9] == SPECIAL and sorted(vocab.values()) == list(range(len(toks)))
    merges = [m if isinstance(m, str) else ' '.join(m) for m in merges]
    man = json.load(open(a.manifest))
    note = (f"Trained from scratch on {man['train_bytes']/1e6:.0f} MB of permissively licensed source code from "
            f"{sum(r['split']=='train' for r in man['repos'])} public repositories (SPDX: "
            + ', '.join(sorted({r['spdx'] for r in man['repos']})) + f"); {st['tokens']/1e6:.1f}M tokens seen, {st['step']} steps. "
            "Code completion only: no instruction tuning, no chat. Provenance: provenance.json beside the model.")
    n = 'qwen3.'
    meta = [kv('general.architecture', 'qwen3', 'str'), kv('general.name', a.name, 'str'), kv('general.type', 'model', 'str'),
            kv('general.description', note, 'str'), kv('general.license', a.licence, 'str'), kv('general.size_label', a.label, 'str'),
            kv('general.languages', ['en'], '[str'), kv('general.tags', ['code', 'fill-in-the-middle', '1-bit'], '[str'),
            kv('general.quantization_version', 2, 'u32'), kv('general.alignment', ALIGN, 'u32'),
            kv(n + 'context_length', a.context, 'u32'), kv(n + 'embedding_length', cfg['d'], 'u32'), kv(n + 'block_count', cfg['L'], 'u32'),
            kv(n + 'feed_forward_length', cfg['ff'], 'u32'), kv(n + 'attention.head_count', cfg['h'], 'u32'),
            kv(n + 'attention.head_count_kv', cfg['kv'], 'u32'), kv(n + 'attention.key_length', 64, 'u32'),
            kv(n + 'attention.value_length', 64, 'u32'), kv(n + 'attention.layer_norm_rms_epsilon', 1e-6, 'f32'),
            kv(n + 'rope.freq_base', float(cfg['theta']), 'f32'), kv(n + 'vocab_size', cfg['vocab'], 'u32'),
            kv('tokenizer.ggml.model', 'gpt2', 'str'), kv('tokenizer.ggml.pre', 'qwen2', 'str'), kv('tokenizer.ggml.tokens', toks, '[str'),
            kv('tokenizer.ggml.token_type', [3] * 9 + [1] * (len(toks) - 9), '[i32'), kv('tokenizer.ggml.merges', merges, '[str'),
            kv('tokenizer.ggml.bos_token_id', 0, 'u32'), kv('tokenizer.ggml.eos_token_id', 0, 'u32'), kv('tokenizer.ggml.eot_token_id', 0, 'u32'),
            kv('tokenizer.ggml.padding_token_id', 4, 'u32'), kv('tokenizer.ggml.add_bos_token', False, 'bool'), kv('tokenizer.ggml.add_eos_token', False, 'bool')]
    meta += [kv(f'tokenizer.ggml.fim_{k}_token_id', i, 'u32') for k, i in (('pre', 1), ('suf', 2), ('mid', 3), ('pad', 4), ('rep', 5), ('sep', 6))]
    meta += [kv('fim.template.spm', '<|file_sep|>{path}\n<|fim_prefix|><|fim_suffix|>{suffix}<|fim_middle|>{prefix}', 'str'),
             kv('fim.template.psm', '<|file_sep|>{path}\n<|fim_prefix|>{prefix}<|fim_suffix|>{suffix}<|fim_middle|>', 'str')]
    T = []
    q = lambda name, w: T.append((name, Q1_0, w.shape, pack_q1_0(w).tobytes()))
    f = lambda name, w: T.append((name, F32, w.shape, np.ascontiguousarray(w, np.float32).tobytes()))
    q('token_embd.weight', v['emb']); f('output_norm.weight', v['nf'])
    nq, nk = cfg['h'] * 64, cfg['kv'] * 64
    for i in range(cfg['L']):
        w = {k: v[f'blocks.{i}.{k}'] for k in ('qkv', 'o', 'gate_up', 'down', 'n1', 'n2', 'qn', 'kn')}; b = f'blk.{i}.'
        f(b + 'attn_norm.weight', w['n1']); q(b + 'attn_q.weight', w['qkv'][:nq]); q(b + 'attn_k.weight', w['qkv'][nq:nq + nk])
        q(b + 'attn_v.weight', w['qkv'][nq + nk:]); f(b + 'attn_q_norm.weight', w['qn']); f(b + 'attn_k_norm.weight', w['kn'])
        q(b + 'attn_output.weight', w['o']); f(b + 'ffn_norm.weight', w['n2'])
        q(b + 'ffn_gate.weight', w['gate_up'][:cfg['ff']]); q(b + 'ffn_up.weight', w['gate_up'][cfg['ff']:]); q(b + 'ffn_down.weight', w['down'])
    write(a.out, meta, T)
    print(a.out, os.path.getsize(a.out), 'bytes,', len(T), 'tensors,', note)


def load_model(path):
    """fp32 train.Model holding the dequantised tensors of a GGUF file written above, plus its metadata."""
    import torch
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    import train
    meta, t = read(path); t = {k: torch.from_numpy(np.array(x)) for k, x in t.items()}
    d, L, ff, h, kvh = (meta['qwen3.' + k] for k in ('embedding_length', 'block_count', 'feed_forward_length', 'attention.head_count', 'attention.head_count_kv'))
    size = [s for s, c in train.SIZES.items() if c == (d, L, ff, h, kvh)][0]
    m = train.Model(size, vocab=len(meta['tokenizer.ggml.tokens']), theta=meta['qwen3.rope.freq_base'])
    sd = {'emb': t['token_embd.weight'], 'nf': t['output_norm.weight']}
    for i in range(L):
        g = lambda k: t[f'blk.{i}.{k}.weight']
        sd.update({f'blocks.{i}.' + k: x for k, x in dict(qkv=torch.cat([g('attn_q'), g('attn_k'), g('attn_v')]), o=g('attn_output'),
                   gate_up=torch.cat([g('ffn_gate'), g('ffn_up')]), down=g('ffn_down'), n1=g('attn_norm'), n2=g('ffn_norm'),
                   qn=g('attn_q_norm'), kn=g('attn_k_norm')).items()})
    m.load_state_dict(sd); m.requires_grad_(False)
    return m, meta


class Decoder:
    """Incremental fp32 decoding with a KV cache, independent of train.py's batched attention (checks it too)."""
    def __init__(self, m): self.m = m; self.reset()
    def reset(self): self.k = [None] * len(self.m.blocks); self.v = [None] * len(self.m.blocks); self.n = 0

    def feed(self, ids):
        """Logits [len(ids), V] of the next tokens."""
        import torch, torch.nn.functional as F, train
        m = self.m; n = len(ids); h = F.embedding(torch.tensor(ids), m.emb); s = self.n
        cos, sin = m.cos[s:s + n], m.sin[s:s + n]
        mask = torch.full((n, s + n), float('-inf')).triu(s + 1) if n > 1 else None
        for i, b in enumerate(m.blocks):
            q, k, v = F.linear(train.rms(h, b.n1), b.qkv).view(n, -1, 64).split([b.h, b.kv, b.kv], 1)
            q = train.rope(train.rms(q, b.qn).transpose(0, 1), cos, sin); k = train.rope(train.rms(k, b.kn).transpose(0, 1), cos, sin); v = v.transpose(0, 1)
            if s: k, v = torch.cat([self.k[i], k], 1), torch.cat([self.v[i], v], 1)
            self.k[i], self.v[i] = k, v
            r = b.h // b.kv
            a = (q @ k.repeat_interleave(r, 0).mT) / 8.0
            if mask is not None: a = a + mask
            h = h + F.linear((a.softmax(-1) @ v.repeat_interleave(r, 0)).transpose(0, 1).reshape(n, -1), b.o)
            g, u = F.linear(train.rms(h, b.n2), b.gate_up).chunk(2, -1)
            h = h + F.linear(F.silu(g) * u, b.down)
        self.n += n
        return F.linear(train.rms(h, m.nf), m.emb)


PROMPTS = [
    ('ts rest of line, PSM', '<|fim_prefix|>export function clamp(value: number, min: number, max: number): number {\n  if (value < min) {\n    return <|fim_suffix|>\n  }\n  return value > max ? max : value;\n}\n<|fim_middle|>'),
    ('ts rest of line, SPM', '<|file_sep|>src/clamp.ts\n<|fim_prefix|><|fim_suffix|>\n  }\n  return value > max ? max : value;\n}\n<|fim_middle|>export function clamp(value: number, min: number, max: number): number {\n  if (value < min) {\n    return '),
    ('python, left to right', 'import os\nimport sys\n\n\ndef read_lines(path):\n    with open(path, encoding="utf-8") as f:\n        return '),
    ('c++, file header, PSM', '<|file_sep|>src/vec.cpp\n<|fim_prefix|>#include <vector>\n#include <string>\n\nstatic float dot(const std::vector<float>& a, const std::vector<float>& b) {\n  float s = 0;\n  for (size_t i = 0; i < a.size(); ++i) <|fim_suffix|>\n  return s;\n}\n<|fim_middle|>'),
    ('repository context', '<|repo_name|>demo/app\n<|file_sep|>src/store.ts\nexport interface Item { id: string; count: number }\nexport class Store {\n  private items = new Map<string, Item>();\n  add(item: Item): void { this.items.set(item.id, item); }\n}\n<|file_sep|>src/main.ts\n<|fim_prefix|>import { Store } from "./store";\n\nconst store = new <|fim_suffix|>\nstore.add({ id: "a", count: 1 });\n<|fim_middle|>'),
    ('unicode and odd spacing', 'const s = "naïve café – 日本語 🎉";\n\t\tif (s.length  >  10)\t{\r\n  // '),
]


def reference(a):
    import torch
    from tokenizers import Tokenizer
    m, meta = load_model(a.gguf); tok = Tokenizer.from_file(a.tokenizer); dec = Decoder(m)
    out = {'gguf': os.path.basename(a.gguf), 'name': meta['general.name'], 'note': 'fp32 PyTorch on the dequantised Q1_0 weights, fp32 activations; '
           'an engine with 8-bit activations differs in the third digit. "logits" are those after the last prompt token.', 'prompts': []}
    with torch.no_grad():
        for name, text in PROMPTS:
            ids = tok.encode(text, add_special_tokens=False).ids
            dec.reset(); lg = dec.feed(ids)
            full = m.logits(torch.tensor([ids + [0] * (-len(ids) % 4)]))[0, len(ids) - 1]
            dev = (full - lg[-1]).abs().max().item()
            top = lg[-1].topk(20); nll = -lg[:-1].log_softmax(-1).gather(1, torch.tensor(ids[1:])[:, None]).mean().item()
            greedy, margins, x = [], [], lg[-1]
            for _ in range(64):
                t2 = x.topk(2); greedy.append(int(t2.indices[0])); margins.append(round(float(t2.values[0] - t2.values[1]), 4)); x = dec.feed([greedy[-1]])[-1]
            out['prompts'].append({'name': name, 'text': text, 'ids': ids, 'prompt_mean_nll': round(nll, 5), 'top20_ids': top.indices.tolist(),
                                   'top20_logits': [round(v, 5) for v in top.values.tolist()], 'greedy_ids': greedy, 'greedy_margins': margins,
                                   'greedy_text': tok.decode(greedy, skip_special_tokens=False)})
            print(f'{name}: {len(ids)} tokens, batched-vs-cached max |diff| {dev:.1e}: {tok.decode(greedy, skip_special_tokens=False)[:80]!r}')
    json.dump(out, open(a.reference, 'w'), indent=1, ensure_ascii=False)


if __name__ == '__main__':
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    A = ap.add_argument
    A('--checkpoint'); A('--tokenizer', default='tokenizer.json'); A('--manifest', default='provenance.json'); A('--out', default='nano.gguf')
    A('--name', default='nano 1-bit code completion'); A('--label', default='10M'); A('--licence', default='apache-2.0'); A('--context', type=int, default=2048)
    A('--reference', help='write reference vectors of --gguf to this file'); A('--gguf', default='nano.gguf')
    a = ap.parse_args()
    reference(a) if a.reference else export(a)
