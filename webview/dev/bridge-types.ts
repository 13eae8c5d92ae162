/** What tests may look at and do on the standalone page. */
import type { DrawnReport } from '../../src/protocol/page';
import type { ThemeName } from './themes';

export interface DevHandle {
  drawn: DrawnReport[];
  errors: string[];
  commands: string[];
  setTheme(name: ThemeName): void;
}
declare global {
  interface Window { ringlightDev: DevHandle; acquireVsCodeApi(): unknown }
}
