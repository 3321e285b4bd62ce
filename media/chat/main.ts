/** The chat's page: puts its parts together, tells them what the extension host says, and remembers what the user has not sent. */
import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-checkbox/index.js';
import '@vscode-elements/elements/dist/vscode-textfield/index.js';
import { App } from './app';
import { listen } from './host';

const app = new App(document.body);
listen((message) => {
  app.hear(message);
});
app.start();
