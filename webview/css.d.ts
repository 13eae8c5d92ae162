/** Bundled into timeline.css beside the script. */
declare module '*.css';
