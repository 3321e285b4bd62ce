import { strict as assert } from 'node:assert';
import { editorConfigOf } from '#server/edit/files/editorConfig';
import { commonHead, headOf, indentOf, laidOut, layoutOf, withHead } from '#server/edit/files/layout';

const licence = (year: number): string =>
  `// Copyright ${String(year)} Somebody\n// SPDX-License-Identifier: MIT`;
const neighbour = (year: number, body = 'export const a = 1;\n'): string => `${licence(year)}\n\n${body}`;

describe('edit/files: layout', () => {
  it('finds one level of indentation', () => {
    assert.equal(indentOf('a {\n  b {\n    c\n  }\n}\n'), '  ');
    assert.equal(indentOf('a:\n    b:\n        c\n'), '    ');
    assert.equal(indentOf('a {\n\tb\n}\n'), '\t');
    assert.equal(indentOf('a {\n\tb\n  c\n}\n'), '', 'both');
    assert.equal(indentOf('/**\n * doc\n */\nfunction f() {\n    return 1;\n}\n'), '    ');
    assert.equal(indentOf('a\nb\n'), '');
  });

  it('finds the head that most files begin with; years aside', () => {
    assert.equal(commonHead([neighbour(2023), neighbour(2025), neighbour(2024)]), licence(2025));
    assert.equal(commonHead([neighbour(2023), 'const a = 1;\n', 'const b = 2;\n']), '');
    assert.equal(commonHead([neighbour(2023)]), '', 'one file says nothing about others');
    assert.equal(
      commonHead(['/** What a does. */\na\n', '/** What b does. */\nb\n']),
      '',
      'each has its own',
    );
    assert.equal(
      headOf('#!/usr/bin/env python3\n# Copyright X\n# All rights reserved.\nimport a\n'),
      '# Copyright X\n# All rights reserved.',
    );
    for (const line of ['#include <a.h>', '#ifndef A_H', '#ifdef A', '#[derive(Debug)]', '#![no_std]']) {
      assert.equal(headOf(`${line}\nx\n`), '', line);
    }
    assert.equal(headOf('/* a\r\n b */\r\nc'), '/* a\n b */');
  });

  it('puts the head where it is missing, once, and behind what must come first', () => {
    assert.equal(withHead('export {};\n', licence(2025)), `${licence(2025)}\n\nexport {};\n`);
    assert.equal(withHead(neighbour(2021), licence(2025)), neighbour(2021));
    assert.equal(
      withHead('// Copyright 2020 The Model. MIT License\n\nexport {};\n', licence(2025)),
      `${licence(2025)}\n\nexport {};\n`,
      'a licence that was made up',
    );
    assert.equal(
      withHead('/** What it does. */\nexport {};\n', licence(2025)),
      `${licence(2025)}\n\n/** What it does. */\nexport {};\n`,
    );
    assert.equal(withHead('#!/bin/sh\necho\n', '# (c) X'), '#!/bin/sh\n# (c) X\n\necho\n');
  });

  it('lays a text out as its neighbours are', () => {
    const layout = layoutOf(['a {\r\n\tb\r\n}', 'c {\r\n\td\r\n}'], [], {});
    assert.deepEqual(layout, { endOfLine: '\r\n', finalNewline: false, trim: false, indent: '\t', head: '' });
    assert.equal(
      laidOut('x.ts', 'a {\n  b {\n    c;\n  }\n}\n', layout),
      'a {\r\n\tb {\r\n\t\tc;\r\n\t}\r\n}',
    );
    assert.equal(laidOut('x.yaml', 'a:\n  b: 1\n', layout), 'a:\r\n  b: 1', 'YAML knows no tabs');
    assert.equal(laidOut('Makefile', 'a:\n\tb\n', layoutOf(['a:\n  b\n'], [], {})), 'a:\n\tb\n');
    const spaces = layoutOf(['a {\n    b\n}\n'], [], {});
    assert.equal(
      laidOut('x.ts', 'f(a,\n  b);\nif (c) {\n  /**\n   * d\n   */\n}\n\n\n', spaces),
      'f(a,\n    b);\nif (c) {\n    /**\n     * d\n     */\n}\n',
    );
  });

  it('does as an .editorconfig says', () => {
    const top = {
      folder: '',
      text: 'root = true\n[*]\nend_of_line = lf\ninsert_final_newline = true\nindent_style = space\nindent_size = 2\n[*.{py,pyi}]\nindent_size=4\n[lib/**.js]\nindent_style = tab # like it\n[{Makefile,*.mk}]\nindent_style = tab\n',
    };
    assert.deepEqual(editorConfigOf('src/a.py', [top]), {
      indentStyle: 'space',
      indentSize: 4,
      endOfLine: '\n',
      finalNewline: true,
    });
    assert.equal(editorConfigOf('lib/deep/a.js', [top]).indentStyle, 'tab');
    assert.equal(editorConfigOf('src/lib/a.js', [top]).indentStyle, 'space');
    const inner = { folder: 'src', text: '[*.py]\nend_of_line = crlf\ntrim_trailing_whitespace = true\n' };
    assert.deepEqual(editorConfigOf('src/a.py', [top, inner]), {
      ...{ indentStyle: 'space', indentSize: 4, endOfLine: '\r\n', finalNewline: true, trim: true },
    });
    assert.deepEqual(editorConfigOf('src/a.py', [top, { folder: 'src', text: 'root=true\n' }]), {});
    assert.deepEqual(
      editorConfigOf('a.x', [
        { folder: '', text: '[[[\n[*{]\n]\n=\n\0\n[file{1..3}.x]\nindent_size = 99\n' },
      ]),
      {},
    );
    const layout = layoutOf(['a\r\n\tb\r\n'], [], editorConfigOf('src/a.py', [top]));
    assert.equal(laidOut('src/a.py', 'def f():\n  return 1', layout), 'def f():\n    return 1\n');
  });
});
