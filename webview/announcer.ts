/** Says to a screen reader what the canvas shows; quietly, the last word wins. */
import { element } from './dom';

export class Announcer {
  readonly node = element('div', { class: 'visually-hidden', role: 'status', 'aria-live': 'polite' });
  private timer: number | undefined;

  say(text: string): void {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => { this.node.textContent = text; }, 80);
  }
}
