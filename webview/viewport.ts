/** The visible window, and everything that moves it. */
const MIN_SPAN = 20;
/** How much of a growing recording is followed, ns */
const FOLLOW_SPAN = 10e9;

export class Viewport {
  t0 = 0;
  t1 = 1e6;
  follow = true;
  /** end of the recording, ns */
  end = 0;
  /** nothing was chosen yet: the window goes with the recording */
  private untouched = true;

  constructor(private readonly changed: () => void) {}

  get span(): number {
    return this.t1 - this.t0;
  }

  /** Where one looked before; not held to the recording's bounds, which are not known yet. */
  restore(t0: number, t1: number, follow: boolean): void {
    this.untouched = false;
    this.follow = follow;
    this.t0 = t0;
    this.t1 = Math.max(t1, t0 + MIN_SPAN);
  }

  /** News of the recording: a followed one scrolls, one that ended while followed is shown whole. */
  grow(end: number, live: boolean): void {
    this.end = end;
    if (!this.follow && !this.untouched) return;
    if (live) this.set(Math.max(0, end - FOLLOW_SPAN), Math.max(end, 1e6));
    else if (this.untouched || this.follow) this.fitAll();
    if (!live) {
      this.follow = false;
      if (end > 0) this.untouched = false;
    }
  }

  followAgain(): void {
    this.follow = true;
    this.set(Math.max(0, this.end - Math.min(FOLLOW_SPAN, Math.max(this.span, 1e6))), Math.max(this.end, 1e6));
  }

  fit(): void {
    this.take();
    this.fitAll();
  }
  private fitAll(): void {
    const margin = Math.max(1000, this.end * 0.01);
    this.set(-margin, this.end + margin);
  }

  pan(dt: number): void {
    this.take();
    this.set(this.t0 + dt, this.t1 + dt);
  }
  /** `factor` under 1 zooms in; `anchor` keeps its place. */
  zoom(factor: number, anchor: number): void {
    this.take();
    const limit = Math.max(1e6, this.end * 1.2);
    const span = Math.min(limit, Math.max(MIN_SPAN, this.span * factor));
    const place = (anchor - this.t0) / this.span;
    this.set(anchor - place * span, anchor + (1 - place) * span);
  }
  show(t0: number, t1: number): void {
    this.take();
    this.set(t0, t1);
  }
  /** Brings a span into view, at a zoom where it can be seen. */
  reveal(start: number, duration: number, pixels: number): void {
    this.take();
    const wide = (duration / this.span) * pixels;
    if (wide < 8 || wide > 0.9 * pixels) {
      const span = Math.max(duration * 8, 1000);
      this.set(start - (span - duration) / 2, start + (span + duration) / 2);
    } else if (start < this.t0 || start + duration > this.t1) {
      const middle = start + duration / 2;
      this.set(middle - this.span / 2, middle + this.span / 2);
    }
  }

  private take(): void {
    this.untouched = false;
    this.follow = false;
  }
  private set(t0: number, t1: number): void {
    const span = Math.max(MIN_SPAN, t1 - t0);
    // some of the recording stays in view
    const low = -0.9 * span;
    const high = Math.max(this.end, 1e6) - 0.1 * span;
    this.t0 = Math.min(Math.max(t0, low), Math.max(low, high));
    this.t1 = this.t0 + span;
    this.changed();
  }
}
