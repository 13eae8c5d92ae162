/** One frame for everything: whoever changed something asks for it, nobody draws outside it. */
export class Scheduler {
  frame = 0;
  private asked = false;

  constructor(private readonly draw: (frame: number) => void) {}

  invalidate(): void {
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame(() => {
      this.asked = false;
      this.draw(++this.frame);
    });
  }
}
