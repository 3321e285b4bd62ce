#!/usr/bin/env python3
"""The tokenizer.json that train.py, export.py and evaluate.py need, out of a GGUF file that has the vocabulary.

    make-tokenizer.py ../models/nano.gguf tokenizer.json

A later model of the family keeps this vocabulary, so that prompts, tests and caches stay comparable.  Needs nothing but Python.
"""
import json, struct, sys

QWEN2 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
         r"|\s*[\r\n]+|\s+(?!\S)|\s+")
CONTROL = 3


def metadata(path):
    """Key-value pairs of a GGUF v3 file."""
    data = open(path, 'rb').read()
    at = 4

    def take(fmt):
        nonlocal at
        value = struct.unpack_from('<' + fmt, data, at)
        at += struct.calcsize('<' + fmt)
        return value[0]

    def value(kind):
        nonlocal at
        if kind == 8:
            size = take('Q')
            at += size
            return data[at - size:at].decode()
        if kind == 9:
            item = take('I')
            return [value(item) for _ in range(take('Q'))]
        return take('BbHhIif?  Qqd'[kind])

    if data[:4] != b'GGUF' or take('I') != 3:
        sys.exit(f'{path} is no GGUF v3 file')
    take('Q')  # tensors
    return {value(8): value(take('I')) for _ in range(take('Q'))}


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    meta = metadata(sys.argv[1])
    tokens, types = meta['tokenizer.ggml.tokens'], meta['tokenizer.ggml.token_type']
    plain = dict(single_word=False, lstrip=False, rstrip=False, normalized=False, special=True)
    byte_level = dict(type='ByteLevel', trim_offsets=True)
    json.dump({
        'version': '1.0', 'truncation': None, 'padding': None,
        'added_tokens': [dict(id=i, content=t, **plain) for i, t in enumerate(tokens) if types[i] == CONTROL],
        'normalizer': None,
        'pre_tokenizer': {'type': 'Sequence', 'pretokenizers': [
            {'type': 'Split', 'pattern': {'Regex': QWEN2}, 'behavior': 'Isolated', 'invert': False},
            dict(byte_level, add_prefix_space=False, use_regex=False)]},
        'post_processor': None,
        'decoder': dict(byte_level, add_prefix_space=True, use_regex=True),
        'model': {'type': 'BPE', 'dropout': None, 'unk_token': None, 'continuing_subword_prefix': None,
                  'end_of_word_suffix': None, 'fuse_unk': False, 'byte_fallback': False, 'ignore_merges': False,
                  'vocab': {t: i for i, t in enumerate(tokens)},
                  'merges': [m.split(' ') for m in meta['tokenizer.ggml.merges']]},
    }, open(sys.argv[2], 'w'), ensure_ascii=False)


if __name__ == '__main__':
    main()
