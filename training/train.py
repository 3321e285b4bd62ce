#!/usr/bin/env python3
"""Train a binary (1-bit) Qwen3-shaped decoder for fill-in-the-middle code completion.

    train.py --size nano --shards shards --tokenizer tokenizer.json --out runs/nano --minutes 65      (CPU)
    train.py --size large --batch 192 --minutes 22 --workers 14 --out run                       (one large GPU)

Every linear layer and the tied embedding are binary in the forward pass: per 128 weights along the input
dimension, w = sign(v) * d with d = mean|v|, which is ggml's Q1_0 (fp16 scale + 128 bits).  d is rounded to 8
significant bits, so the bf16 training graph, the fp16 scale in the file and an fp32 engine see the same number.
The nn.Module holds only these binary values; the optimiser owns the real-valued latents v.  The gradient of
the binary value is applied to the latent unchanged (straight-through estimator).

The schedule is tied to the wall clock: `progress` = training seconds so far / --minutes.  The learning rate is
flat after a short warm-up and falls linearly to zero over the last --cooldown part; the context length follows
--context, a list of progress:length.  A run killed at any time resumes from the last checkpoint of its folder
(--resume), with its clock.  SIGTERM or a file named STOP in the run folder ends it after the current step.
"""
import argparse, json, math, multiprocessing as mp, os, random, re, signal, sys, time
import numpy as np
import torch, torch.nn as nn, torch.nn.functional as F

SIZES = {  # d_model, layers, feed-forward, heads, kv heads (head_dim 64)
    'nano': (256, 8, 768, 4, 2), 'small': (384, 8, 1024, 6, 2), 'base': (512, 12, 1408, 8, 2), 'large': (768, 12, 2048, 12, 4)}
HEAD_DIM, GROUP, EPS = 64, 128, 1e-6
EOT, PRE, SUF, MID, PAD, REPO, SEP, IM_START, IM_END = range(9)          # ids of the special tokens in our vocabulary


# ------------------------------------------------------------------------------------------------ model
def binarise(v, lam=1.0):
    """Q1_0 values of the latents v [.., in]: sign * mean|v| per 128 inputs; lam < 1 blends with v (precision ramp)."""
    g = v.reshape(-1, GROUP)
    d = g.abs().mean(1, keepdim=True).bfloat16().half().float()          # 8-bit mantissa: exact in bf16 and in fp16
    q = torch.where(g >= 0, d, -d)
    return (q if lam >= 1 else torch.lerp(g, q, lam)).reshape(v.shape)


def rms(x, gain):
    y = x.float()
    return (y * torch.rsqrt(y.pow(2).mean(-1, keepdim=True) + EPS) * gain).to(x.dtype)


def rope(x, cos, sin):
    a, b = x.float().chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1).to(x.dtype)


def attention(q, k, v):
    """Causal grouped-query attention; q [B, h, T, hd], k and v [B, kv, T, hd].  On a CPU, four query blocks against
    their own prefix of the keys, as plain matrix products: several times faster than the built-in bf16 kernel."""
    B, h, T, hd = q.shape; kv = k.shape[1]
    if q.is_cuda: return F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
    q = q.reshape(B, kv, h // kv, T, hd); n = T // 4; out = []
    bias = torch.triu(torch.full((n, n), float('-inf')), 1)
    for i in range(4):
        qi = q[:, :, :, i * n:(i + 1) * n].reshape(B, kv, -1, hd)
        s = (qi @ k[:, :, :(i + 1) * n].mT).view(B, kv, h // kv, n, -1).float() * hd ** -0.5
        s = torch.cat((s[..., :i * n], s[..., i * n:] + bias), -1) if i else s + bias
        p = torch.softmax(s, -1).to(q.dtype).view(B, kv, -1, (i + 1) * n)
        out.append((p @ v[:, :, :(i + 1) * n]).view(B, h, n, hd))
    return torch.cat(out, 2)


class Block(nn.Module):
    def __init__(self, d, ff, h, kv):
        super().__init__()
        self.h, self.kv = h, kv
        self.qkv = nn.Parameter(torch.empty((h + 2 * kv) * HEAD_DIM, d)); self.o = nn.Parameter(torch.empty(d, h * HEAD_DIM))
        self.gate_up = nn.Parameter(torch.empty(2 * ff, d)); self.down = nn.Parameter(torch.empty(d, ff))
        self.n1 = nn.Parameter(torch.ones(d)); self.n2 = nn.Parameter(torch.ones(d))
        self.qn = nn.Parameter(torch.ones(HEAD_DIM)); self.kn = nn.Parameter(torch.ones(HEAD_DIM))

    def forward(self, x, cos, sin):
        B, T, _ = x.shape
        q, k, v = F.linear(rms(x, self.n1), self.qkv).view(B, T, -1, HEAD_DIM).split([self.h, self.kv, self.kv], 2)
        q = rope(rms(q, self.qn).transpose(1, 2), cos, sin)
        k = rope(rms(k, self.kn).transpose(1, 2), cos, sin)
        y = attention(q, k, v.transpose(1, 2))
        x = x + F.linear(y.transpose(1, 2).reshape(B, T, -1), self.o)
        g, u = F.linear(rms(x, self.n2), self.gate_up).chunk(2, -1)
        return x + F.linear(F.silu(g) * u, self.down)


class Model(nn.Module):
    def __init__(self, size, vocab=16384, theta=1e5, max_len=4096):
        super().__init__()
        d, L, ff, h, kv = SIZES[size]
        self.cfg = dict(size=size, d=d, L=L, ff=ff, h=h, kv=kv, vocab=vocab, theta=theta)
        self.emb = nn.Parameter(torch.empty(vocab, d))
        self.blocks = nn.ModuleList(Block(d, ff, h, kv) for _ in range(L))
        self.nf = nn.Parameter(torch.full((d,), 0.35))
        f = theta ** (-torch.arange(0, HEAD_DIM, 2).float() / HEAD_DIM)
        t = torch.outer(torch.arange(max_len).float(), f)
        self.register_buffer('cos', t.cos(), False); self.register_buffer('sin', t.sin(), False)

    def body(self, x):
        """Token ids [B, T] -> final normed states; runs in the dtype of the block weights."""
        T = x.shape[1]
        h = F.embedding(x, self.emb).to(self.blocks[0].o.dtype)
        for b in self.blocks:
            h = b(h, self.cos[:T], self.sin[:T])
        return rms(h, self.nf)

    def logits(self, x):
        h = self.body(x)
        return F.linear(h, self.emb.to(h.dtype))

    def init_std(self):
        """Initial standard deviation of each binary matrix's latents; matrices writing to the residual start smaller."""
        L = self.cfg['L']
        return {n: 0.157 if n == 'emb' else p.shape[1] ** -0.5 * ((2 * L) ** -0.5 if n.endswith(('.o', '.down')) else 1.0)
                for n, p in self.named_parameters() if p.ndim == 2}


def ce_grad(logits, t, scale, z):
    """Cross entropy and the gradient of scale * (CE + z * lse^2) except for the target's own -scale; t: target logits."""
    x = logits.float()
    m = x.amax(1, keepdim=True); e = (x - m).exp(); s = e.sum(1, keepdim=True); lse = m + s.log()
    k = scale * (1 + 2 * z * lse)
    return (lse - t).sum(), (e * (k / s)).to(logits.dtype), (t - lse).exp() * k - scale


class Head(torch.autograd.Function):
    """Tied output layer + cross entropy in chunks of tokens: logits never exist as a whole, gradients come with the forward."""
    fn, buf = staticmethod(ce_grad), {}

    @staticmethod
    def forward(ctx, h, emb, y, z, chunk):
        e = emb.to(h.dtype); et = e.t().contiguous()
        h2, y = h.reshape(-1, h.shape[-1]), y.reshape(-1)
        dh, de, loss = torch.empty_like(h2), torch.zeros_like(emb, dtype=torch.float32), 0.0
        out = Head.buf.setdefault((chunk, h.dtype), torch.empty(chunk, emb.shape[0], dtype=h.dtype, device=h.device))
        for s in range(0, len(y), chunk):
            hc, yc = h2[s:s + chunk], y[s:s + chunk, None]
            torch.mm(hc, et, out=out)
            l, g, gt = Head.fn(out, out.gather(1, yc).float(), 1.0 / len(y), z)
            g.scatter_(1, yc, gt.to(g.dtype))
            torch.mm(g, e, out=dh[s:s + chunk])
            de += g.t() @ hc
            loss = loss + l
        ctx.save_for_backward(dh.view_as(h), de)
        return loss / len(y)

    @staticmethod
    def backward(ctx, gl):
        dh, de = ctx.saved_tensors
        return dh * gl.to(dh.dtype), de * gl, None, None, None


# ------------------------------------------------------------------------------------------------ optimiser
def orthogonalise(G, steps=5):
    """Newton-Schulz iteration of Muon on a stack [n, r, c] with r <= c, in bf16; result has row/col scale of an orthogonal matrix."""
    X = G.bfloat16()
    X = X / (X.float().norm(dim=(1, 2), keepdim=True) + 1e-7).bfloat16()
    for _ in range(steps):
        A = X @ X.mT
        B = torch.baddbmm(A, A, A, beta=-4.7750, alpha=2.0315)
        X = torch.baddbmm(X, B, X, beta=3.4445, alpha=1.0)
    return X


class Optimiser:
    """Muon (Nesterov momentum, orthogonalised update of rms 1, relative to the initial std) for block matrices,
    Adam(0.9, 0.95) for the embedding latents and the norm gains.  Owns the latents; writes binary values back."""

    def __init__(self, model, args):
        self.model, self.a = model, args
        self.p = dict(model.named_parameters()); self.std = model.init_std()
        self.v, self.m, self.s = {}, {}, {}
        gen = torch.Generator().manual_seed(args.seed)
        for n, p in self.p.items():
            v = torch.randn(p.shape, generator=gen).to(p.device) * self.std[n] if p.ndim == 2 else p.data.float().clone()
            self.v[n], self.m[n] = v, torch.zeros_like(v)
            if n == 'emb' or p.ndim == 1: self.s[n] = torch.zeros_like(v)
        cfg, hd = model.cfg, HEAD_DIM
        cut = {'qkv': [cfg['h'] * hd, cfg['kv'] * hd, cfg['kv'] * hd], 'gate_up': [cfg['ff']] * 2}
        self.groups = {}                                                  # (r, c) -> [(name, row0, row1, transpose)]
        for n, p in self.p.items():
            if p.ndim != 2 or n == 'emb': continue
            r0 = 0
            for rows in cut.get(n.split('.')[-1], [p.shape[0]]):
                r, c = rows, p.shape[1]
                self.groups.setdefault((min(r, c), max(r, c)), []).append((n, r0, r0 + rows, r > c)); r0 += rows
        self.t = 0

    @torch.no_grad()
    def write(self, lam=1.0, churn=False):
        """Binary values of the latents into the module; returns the share of signs that changed if asked."""
        flips = total = 0
        for n, p in self.p.items():
            if p.ndim == 2:
                q = binarise(self.v[n], lam)
                if churn: flips += ((q >= 0) != (p >= 0)).sum().item(); total += q.numel()
                p.copy_(q)
            else: p.copy_(self.v[n])
        return flips / max(1, total)

    @torch.no_grad()
    def step(self, lr, lam=1.0, churn=False):
        """lr is the schedule factor in [0, 1]."""
        a = self.a; self.t += 1
        mom = a.momentum - 0.10 * max(0.0, 1 - self.t / 200)
        for (r, c), items in self.groups.items():
            G = []
            for n, i, j, tr in items:
                g, m = self.p[n].grad[i:j].float(), self.m[n][i:j]
                m.mul_(mom).add_(g, alpha=1 - mom); g = g.mul(1 - mom).add_(m, alpha=mom)
                G.append(g.t() if tr else g)
            O = orthogonalise(torch.stack(G), a.ns).float() * math.sqrt(c)
            for (n, i, j, tr), o in zip(items, O):
                v = self.v[n][i:j]
                if a.wd: v.mul_(1 - lr * a.lr * a.wd)
                v.add_(o.t() if tr else o, alpha=-lr * a.lr * self.std[n])
        for n, s in self.s.items():
            g, m = self.p[n].grad.float(), self.m[n]
            m.mul_(0.9).add_(g, alpha=0.1); s.mul_(0.95).addcmul_(g, g, value=0.05)
            den = (s / (1 - 0.95 ** self.t)).sqrt_().add_(1e-10)
            self.v[n].addcdiv_(m, den, value=-lr * (a.lr_emb if n == 'emb' else a.lr_norm) / (1 - 0.9 ** self.t))
        for p in self.p.values(): p.grad = None
        return self.write(lam, churn)

    def state(self): return dict(v=self.v, m=self.m, s=self.s, t=self.t)

    def load(self, st):
        for k in ('v', 'm', 's'):
            for n, x in st[k].items(): getattr(self, k)[n].copy_(x)
        self.t = st['t']


# ------------------------------------------------------------------------------------------------ data
class Corpus:
    """Rows of T+1 tokens from the uint16 shards (README.md says how they are laid out): packed samples, FIM cut at character level on the fly."""
    MIX = {'ts': .50, 'py': .25, 'cpp': .20, 'other': .05}
    CLOSERS = re.compile(r'[\s)\]};,"\'`>]+$')

    def __init__(self, shards, tokenizer, seed, fim=0.8, spm=0.5, neighbours=0.33):
        from tokenizers import Tokenizer
        self.tok = Tokenizer.from_file(tokenizer)
        self.rng, self.fim, self.spm, self.neigh = random.Random(seed), fim, spm, neighbours
        self.g = {}
        for g in self.MIX:
            d = np.memmap(f'{shards}/{g}.bin', dtype=np.uint16, mode='r')
            end = np.flatnonzero(d == EOT); start = np.r_[0, end[:-1] + 1]
            body = np.searchsorted(sep := np.flatnonzero(d == SEP), start)   # first separator after each start: repo | path+content
            body = sep[np.minimum(body, len(sep) - 1)]
            repo, ids = np.zeros(len(start), int), {}
            for i, (s, b) in enumerate(zip(start, body)): repo[i] = ids.setdefault(d[s:b].tobytes(), len(ids))
            size = (end - start).astype(float)
            total = np.bincount(repo, size)
            w = size * total[repo] ** -0.3                                   # large repositories count a little less
            self.g[g] = (d, start, end, body, repo, np.cumsum(w) / w.sum())
        self.names, self.cum = list(self.MIX), np.cumsum(list(self.MIX.values()))

    def enc(self, s): return self.tok.encode(s, add_special_tokens=False).ids if s else []

    def window(self, g, i, budget):
        """Up to budget tokens of document i of group g as (path, text); starts at the top or at a random line."""
        d, start, end, body, _, _ = self.g[g]
        head = self.tok.decode(d[body[i] + 1:min(end[i], body[i] + 200)].tolist())
        path = head.split('\n', 1)[0]
        s, e = body[i] + 1, end[i]
        n = e - s
        if n > budget and self.rng.random() < 0.7:
            s = s + self.rng.randrange(n - budget + 1); top = False
        else: top = True
        t = self.tok.decode(d[s:min(e, s + budget)].tolist()).strip('\ufffd')
        return path, t.split('\n', 1)[1] if '\n' in t else t

    def cut(self, t):
        """(i, j): the middle is t[i:j].  40 % rest of line, 25 % line, 20 % block of 2-8 lines, 15 % random span."""
        r, kind = self.rng, self.rng.random()
        if kind >= 0.85 or '\n' not in t:
            i = r.randrange(len(t)); return i, min(len(t), i + 1 + int(r.random() ** 2 * min(400, len(t) / 2)))
        ends = [m.start() for m in re.finditer('\n', t)] + [len(t)]
        for _ in range(20):
            k = r.randrange(len(ends)); a, b = (ends[k - 1] + 1 if k else 0), ends[k]
            line = t[a:b]; ind = len(line) - len(line.lstrip())
            if len(line.strip()) < 3 and r.random() < 0.9: continue
            if kind < 0.40:
                i, j = a + ind + r.randrange(max(1, len(line.rstrip()) - ind)), b
                m = self.CLOSERS.search(t[i:j])                              # editors close brackets: leave them in the suffix at times
                if m and m.start() and r.random() < 0.3: j = i + m.start()
                return i, j
            i = a + ind if r.random() < 0.5 or k == 0 else a - 1             # after the auto-indent, or at the end of the line before
            if kind < 0.65: return i, b
            e = k
            while e + 1 < len(ends) and e - k < 7:
                nxt = t[ends[e] + 1:ends[e + 1]]
                if nxt.strip() and len(nxt) - len(nxt.lstrip()) < ind: break
                e += 1
                if e > k and r.random() < 0.15: break
            return i, ends[e]
        return len(t) // 2, len(t) // 2 + 1

    def sample(self, budget):
        r = self.rng
        g = self.names[int(np.searchsorted(self.cum, r.random() * self.cum[-1]))]
        _, _, _, body, repo, w = self.g[g]
        i = int(np.searchsorted(w, r.random()))
        out, left = [], budget
        if budget >= 300 and r.random() < self.neigh:                        # other files of the same repository first
            near = [k for k in range(max(0, i - 6), min(len(body), i + 7)) if k != i and repo[k] == repo[i]]
            r.shuffle(near)
            name = self.tok.decode(self.g[g][0][self.g[g][1][i] + 1:body[i]].tolist())
            out = [REPO] + self.enc(name + '\n')
            for k in near[:1 if budget < 700 else r.choice((1, 2, 3))]:
                p, t = self.window(g, k, max(64, int(budget * 0.4 / (1 if budget < 700 else 2))))
                out += [SEP] + self.enc(p + '\n' + t + ('' if t.endswith('\n') else '\n'))
            left = budget - len(out)
            if left < 100: out, left = [], budget
        path, t = self.window(g, i, max(32, left - 40))
        if out or r.random() < 0.7: out += [SEP] + self.enc(path + '\n')
        if len(t) < 16 or r.random() >= self.fim: return out + self.enc(t) + [EOT]
        i, j = self.cut(t)
        P, M, S = self.enc(t[:i]), self.enc(t[i:j]), self.enc(t[j:]) if r.random() < 0.92 else []
        out += [PRE, SUF, *S, MID, *P, *M] if r.random() < self.spm else [PRE, *P, SUF, *S, MID, *M]
        return out + [EOT]

    def row(self, T):
        out = []
        while len(out) <= T:
            left = T + 1 - len(out)
            want = min(left, T if self.rng.random() < 0.3 else self.rng.randrange(160, max(161, T)))
            s = self.sample(want if left - want > 96 else left)
            out += s[:left] if len(s) <= left + 24 or left < 96 else self.sample(left)[:left]
        return out[:T + 1]


def worker(q, tq, args, seed):
    """One feeding process: blocks of 8 rows into the queue."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    c = Corpus(args.shards, args.tokenizer, seed, args.fim, args.spm)
    while True:
        q.put(np.array([c.row(tq.value) for _ in range(8)], dtype=np.uint16))


class Feed:
    def __init__(self, args, seed):
        ctx = mp.get_context('fork')
        self.q, self.T = ctx.Queue(maxsize=8 * max(1, args.workers)), ctx.Value('i', 512)
        self.ps = [ctx.Process(target=worker, args=(self.q, self.T, args, seed * 1000 + k), daemon=True) for k in range(args.workers)]
        for p in self.ps: p.start()
        self.buf = []

    def batch(self, B, T, device):
        """Inputs and targets [B, T]; rows made before the last change of T are thrown away."""
        self.T.value = T
        self.buf = [r for r in self.buf if r.shape[1] == T + 1]
        while sum(len(r) for r in self.buf) < B:
            r = self.q.get(timeout=120)
            if r.shape[1] == T + 1: self.buf.append(r)
        rows = np.concatenate(self.buf); self.buf = [rows[B:]]
        t = torch.from_numpy(rows[:B].astype(np.int64)).to(device, non_blocking=True)
        return t[:, :-1].contiguous(), t[:, 1:].contiguous()


# ------------------------------------------------------------------------------------------------ training
def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    A = ap.add_argument
    A('--size', choices=SIZES, default='nano'); A('--shards', default='shards'); A('--tokenizer', default='tokenizer.json')
    A('--out', default='runs/nano'); A('--resume', action='store_true'); A('--minutes', type=float, default=60); A('--seed', type=int, default=1)
    A('--tokens', type=int, default=16384, help='tokens per step'); A('--micro', type=int, default=0, help='tokens per micro batch (0: all)')
    A('--context', default='0:512,0.6:1024,0.9:2048'); A('--lr', type=float, default=0.05); A('--lr-emb', type=float, default=5e-3)
    A('--lr-norm', type=float, default=5e-3); A('--momentum', type=float, default=0.95); A('--wd', type=float, default=0.0); A('--ns', type=int, default=5)
    A('--warmup', type=int, default=40, help='steps'); A('--cooldown', type=float, default=0.4); A('--z', type=float, default=1e-4)
    A('--ramp', default='', help='start:end progress of a full-precision to binary ramp; empty: binary from the first step')
    A('--fim', type=float, default=0.8); A('--spm', type=float, default=0.5, help='share of suffix-prefix-middle among FIM samples');
    A('--restart-clock', action='store_true', help='with --resume: a new schedule from the checkpoint'); A('--workers', type=int, default=1); A('--threads', type=int, default=0); A('--chunk', type=int, default=512)
    A('--save-every', type=float, default=300); A('--no-compile', action='store_true'); A('--max-steps', type=int, default=0)
    args = ap.parse_args()
    os.makedirs(args.out, exist_ok=True)
    if args.threads: torch.set_num_threads(args.threads)
    cuda = torch.cuda.is_available(); dev = 'cuda' if cuda else 'cpu'
    torch.manual_seed(args.seed)

    ckpt = args.out + '/last.pt'
    st = torch.load(ckpt, map_location=dev, weights_only=False) if args.resume and os.path.exists(ckpt) else None
    feed = Feed(args, args.seed + (st['step'] if st else 0))
    model = Model(args.size).to(dev)
    opt = Optimiser(model, args)
    for b in model.blocks:
        for n in ('qkv', 'o', 'gate_up', 'down'): getattr(b, n).data = getattr(b, n).data.bfloat16()
    opt.p = dict(model.named_parameters())
    step, tokens, clock = 0, 0, 0.0
    if st: opt.load(st['opt']); step, tokens, clock = st['step'], st['tokens'], 0.0 if args.restart_clock else st['clock']
    step0 = step
    body = model.body if args.no_compile else torch.compile(model.body, dynamic=False)
    if not args.no_compile: Head.fn = staticmethod(torch.compile(ce_grad, dynamic=False))
    ctx_plan = [(float(p), int(t)) for p, t in (x.split(':') for x in args.context.split(','))]
    ramp = tuple(map(float, args.ramp.split(':'))) if args.ramp else None
    lam_of = lambda p: 1.0 if not ramp else min(1.0, max(0.0, (p - ramp[0]) / max(1e-9, ramp[1] - ramp[0])))
    opt.write(lam_of(clock / (args.minutes * 60)))
    nparam = sum(p.numel() for p in model.parameters())
    stop = []; signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
    log = open(args.out + '/log.jsonl', 'a')
    print(f'{args.size}: {nparam/1e6:.2f}M parameters, {dev}, {torch.get_num_threads()} threads, resume at step {step}', flush=True)

    def save(name):
        torch.save(dict(opt=opt.state(), step=step, tokens=tokens, clock=clock, cfg=model.cfg, args=vars(args)), name + '.tmp')
        os.replace(name + '.tmp', name)

    warm, hist, t_save, t_log, seen_T = [], [], time.time(), time.time(), set()
    while not stop and not os.path.exists(args.out + '/STOP'):
        p = clock / (args.minutes * 60)
        if p >= 1 or args.max_steps and step >= args.max_steps: break
        t0 = time.time()
        T = [t for q, t in ctx_plan if q <= p][-1]
        micro = min(args.tokens, args.micro or args.tokens); B = micro // T; n_micro = args.tokens // micro
        loss = 0.0
        for _ in range(n_micro):
            x, y = feed.batch(B, T, dev)
            l = Head.apply(body(x), model.emb, y, args.z, args.chunk) / n_micro
            l.backward(); loss += l.detach()
        lr = min(1.0, (step - step0 + 1) / args.warmup if step0 == 0 or args.restart_clock else 1.0, max(0.0, (1 - p) / args.cooldown))
        churn = opt.step(lr, lam_of(p), churn=step % 20 == 19)
        if cuda and step % 10 == 9: torch.cuda.synchronize()
        hist.append(float(loss) if not cuda or step % 10 == 9 else None)
        step += 1; tokens += args.tokens
        dt = time.time() - t0
        first = T not in seen_T; seen_T.add(T)
        clock += dt if not first else min(dt, 3.0)                            # compiling a new shape does not use up the schedule
        if step % 20 == 0 or first:
            h = [v for v in hist if v is not None]
            rec = dict(step=step, tokens=tokens, clock=round(clock, 1), loss=round(sum(h) / max(1, len(h)), 4), T=T, lr=round(lr, 4),
                       churn=round(churn, 5), lam=lam_of(p), tok_s=round(len(hist) * args.tokens / (time.time() - t_log)))
            print(json.dumps(rec), flush=True); log.write(json.dumps(rec) + '\n'); log.flush(); hist = []; t_log = time.time()
        if time.time() - t_save > args.save_every: save(ckpt); t_save = time.time()
    save(ckpt)
    print(f'done: step {step}, {tokens/1e6:.1f}M tokens, {clock/60:.1f} min', flush=True)
    for q in feed.ps: q.terminate()


if __name__ == '__main__':
    if 'MALLOC_MMAP_THRESHOLD_' not in os.environ:                         # keep large CPU buffers mapped: 1.5 times faster
        os.environ.update(MALLOC_MMAP_THRESHOLD_='4294967296', MALLOC_TRIM_THRESHOLD_='17179869184', MALLOC_TOP_PAD_='268435456')
        os.execv(sys.executable, [sys.executable] + sys.argv)
    main()
