/** The whole page takes files. */
import { droppedUris } from './droppedUris';

export function acceptDrops(target: HTMLElement, onDrop: (uris: readonly string[]) => void): void {
  const over = (event: DragEvent): void => {
    event.preventDefault();
    if (event.dataTransfer !== null) {
      event.dataTransfer.dropEffect = 'copy';
    }
    target.classList.add('dropping');
  };
  target.addEventListener('dragenter', over);
  target.addEventListener('dragover', over);
  target.addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) {
      target.classList.remove('dropping');
    }
  });
  target.addEventListener('drop', (event) => {
    event.preventDefault(); // otherwise the browser goes there
    target.classList.remove('dropping');
    const uris = event.dataTransfer === null ? [] : droppedUris(event.dataTransfer);
    if (uris.length > 0) {
      onDrop(uris);
    }
  });
}
