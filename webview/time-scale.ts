/** Time to pixels and back, relative to the window's start so that doubles stay precise at any zoom. */
export class TimeScale {
  constructor(readonly t0: number, readonly t1: number, readonly left: number, readonly width: number) {}

  get perPixel(): number {
    return (this.t1 - this.t0) / this.width;
  }
  x(time: number): number {
    return this.left + ((time - this.t0) / (this.t1 - this.t0)) * this.width;
  }
  time(x: number): number {
    return this.t0 + ((x - this.left) / this.width) * (this.t1 - this.t0);
  }

  /** Round times about `spacing` pixels apart: 1, 2 or 5 times a power of ten. */
  ticks(spacing: number): { step: number; times: number[] } {
    const wanted = Math.max(1, this.perPixel * spacing);
    const power = 10 ** Math.floor(Math.log10(wanted));
    const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= wanted) ?? 10 * power;
    const times: number[] = [];
    for (let n = Math.ceil(this.t0 / step); n * step <= this.t1 && times.length < 1000; n++) times.push(n * step);
    return { step, times };
  }
}

const UNITS: [ns: number, name: string][] = [[1e9, 's'], [1e6, 'ms'], [1e3, 'µs'], [1, 'ns']];

/** A moment, with as many digits as a step of `step` ns needs; the unit is that of the largest moment shown. */
export function formatMoment(time: number, step: number, largest: number): string {
  const [size, unit] = UNITS.find(([ns]) => largest >= 2 * ns) ?? [1, 'ns'];
  const decimals = Math.max(0, Math.min(9, Math.ceil(Math.log10(size / step) - 1e-9)));
  return `${(time / size).toFixed(decimals)} ${unit}`;
}
