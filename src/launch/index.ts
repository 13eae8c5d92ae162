/** Starting the loader: here, by sudo, over ssh; and what stands in the way. */
export { runDoctor } from './doctor';
export { LaunchError } from './failure';
export { checkHost } from './host';
export type { ConnectOptions, LaunchOptions } from './options';
export { startLoader, type LoaderEnd, type LoaderSession } from './session';
export { listSshHosts } from './ssh-hosts';
