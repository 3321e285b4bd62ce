/** Colours for code, a piece at a time. */
import hljs from 'highlight.js/lib/core';
import bash from 'highlight.js/lib/languages/bash';
import c from 'highlight.js/lib/languages/c';
import cpp from 'highlight.js/lib/languages/cpp';
import csharp from 'highlight.js/lib/languages/csharp';
import css from 'highlight.js/lib/languages/css';
import diff from 'highlight.js/lib/languages/diff';
import dockerfile from 'highlight.js/lib/languages/dockerfile';
import go from 'highlight.js/lib/languages/go';
import ini from 'highlight.js/lib/languages/ini';
import java from 'highlight.js/lib/languages/java';
import javascript from 'highlight.js/lib/languages/javascript';
import json from 'highlight.js/lib/languages/json';
import kotlin from 'highlight.js/lib/languages/kotlin';
import lua from 'highlight.js/lib/languages/lua';
import makefile from 'highlight.js/lib/languages/makefile';
import markdown from 'highlight.js/lib/languages/markdown';
import php from 'highlight.js/lib/languages/php';
import powershell from 'highlight.js/lib/languages/powershell';
import python from 'highlight.js/lib/languages/python';
import ruby from 'highlight.js/lib/languages/ruby';
import rust from 'highlight.js/lib/languages/rust';
import scss from 'highlight.js/lib/languages/scss';
import shell from 'highlight.js/lib/languages/shell';
import sql from 'highlight.js/lib/languages/sql';
import swift from 'highlight.js/lib/languages/swift';
import typescript from 'highlight.js/lib/languages/typescript';
import xml from 'highlight.js/lib/languages/xml';
import yaml from 'highlight.js/lib/languages/yaml';

const languages = {
  ...{ bash, c, cpp, csharp, css, diff, dockerfile, go, ini, java, javascript, json, kotlin, lua, makefile },
  ...{ markdown, php, powershell, python, ruby, rust, scss, shell, sql, swift, typescript, xml, yaml },
};
for (const [name, language] of Object.entries(languages)) {
  hljs.registerLanguage(name, language);
}

/** Lines beyond this are not looked at: no person writes them, and patterns may take long on them. */
const longestLine = 2_000;

export function canHighlight(language: string): boolean {
  return language !== '' && hljs.getLanguage(language) !== undefined;
}

/**
 * HTML of spans. `open`: the piece ends inside something that goes on, a comment of several lines for example, so that it is no good place to
 * stop. undefined = it is shown as it is.
 */
export function highlight(
  code: string,
  language: string,
): { readonly html: string; readonly open: boolean } | undefined {
  if (!canHighlight(language) || code.split('\n').some((line) => line.length > longestLine)) {
    return undefined;
  }
  const result = hljs.highlight(code, { language, ignoreIllegals: true });
  const top = result._top as { parent?: unknown } | undefined;
  return { html: result.value, open: top?.parent !== undefined };
}
