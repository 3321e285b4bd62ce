/** Asks what is to be done. What was asked before in this workspace can be chosen again, and is kept in VS Code's own storage. */
import { l10n, window, type Memento, type QuickPickItem } from 'vscode';

const keptAs = 'niwaki.edit.instructions';
const mostKept = 20;

function keptIn(memento: Memento): readonly string[] {
  const kept = memento.get<unknown>(keptAs);
  return Array.isArray(kept) ? kept.filter((one) => typeof one === 'string') : [];
}

/** undefined = the user does not want to. `first`: what stands in the box. */
export async function askInstruction(
  memento: Memento,
  label: string,
  first = '',
): Promise<string | undefined> {
  const before = keptIn(memento);
  const box = window.createQuickPick<QuickPickItem>();
  box.title = l10n.t('Niwaki: edit {0}', label);
  box.placeholder = l10n.t('What is to be done? Earlier instructions are below.');
  box.value = first;
  box.ignoreFocusOut = true;
  const offer = (): void => {
    const typed = box.value.trim();
    const own = typed === '' ? [] : [{ label: typed, alwaysShow: true, description: l10n.t('Enter to ask') }];
    box.items = [...own, ...before.filter((one) => one !== typed).map((one) => ({ label: one }))];
  };
  offer();
  const instruction = await new Promise<string | undefined>((resolve) => {
    box.onDidChangeValue(offer);
    box.onDidAccept(() => {
      // The list may still be that of a key ago.
      const [chosen] = box.activeItems;
      const isTyped = chosen === undefined || chosen.alwaysShow === true;
      resolve(isTyped ? box.value.trim() : chosen.label);
    });
    box.onDidHide(() => {
      resolve(undefined);
    });
    box.show();
  });
  box.dispose();
  if (instruction === undefined || instruction === '') {
    return undefined;
  }
  await memento.update(
    keptAs,
    [instruction, ...before.filter((one) => one !== instruction)].slice(0, mostKept),
  );
  return instruction;
}
