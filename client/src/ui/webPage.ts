/**
 * HTML around a page's body: without scripts. The content security policy allows nothing but the page's own style, and buttons are links
 * to commands of ours, of which only those that the page shows may be run.
 */
import { escapeHtml } from './escapeHtml';

const style = `
body { font-family: var(--vscode-font-family); font-size: var(--vscode-font-size); color: var(--vscode-foreground);
  background: var(--vscode-editor-background); line-height: 1.5; max-width: 70em; margin: 0 auto; padding: 1em 2em 3em; }
h1 { font-size: 1.8em; font-weight: 500; margin: 0.5em 0; }
h2 { font-size: 1.25em; font-weight: 600; margin: 1.8em 0 0.5em; padding-bottom: 0.2em;
  border-bottom: 1px solid var(--vscode-contrastBorder, var(--vscode-widget-border, var(--vscode-panel-border))); }
ul { padding-left: 1.3em; margin: 0.5em 0; }
li.good::marker { content: "✓ "; color: var(--vscode-testing-iconPassed); }
li.bad::marker { content: "⚠ "; color: var(--vscode-editorWarning-foreground); }
table { border-collapse: collapse; width: 100%; margin: 0.7em 0; }
th, td { text-align: left; vertical-align: top; padding: 0.3em 1em 0.3em 0; font-weight: normal; overflow-wrap: anywhere;
  border-bottom: 1px solid var(--vscode-contrastBorder, var(--vscode-panel-border)); }
thead th { font-weight: 600; overflow-wrap: normal; }
tbody th { min-width: 9em; }
a.button { display: inline-block; padding: 0.2em 0.9em; margin-right: 0.5em; border-radius: 2px; text-decoration: none; white-space: nowrap;
  color: var(--vscode-button-foreground); background: var(--vscode-button-background);
  border: 1px solid var(--vscode-button-border, var(--vscode-contrastBorder, transparent)); }
a.button:hover { background: var(--vscode-button-hoverBackground); }
a.button:focus-visible { outline: 1px solid var(--vscode-focusBorder); outline-offset: 2px; }
`;

/** `body` is HTML. `language`: of its text, a BCP 47 tag. */
export function webPage(title: string, body: string, language: string, nonce: string): string {
  const policy = `default-src 'none'; style-src 'nonce-${nonce}';`;
  return `<!DOCTYPE html>
<html lang="${escapeHtml(language)}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style nonce="${nonce}">${style}</style>
</head>
<body>
${body}
</body>
</html>
`;
}
