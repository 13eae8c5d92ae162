/**
 * The analysis knows files by paths: URIs with their escapes undone, so that it finds `#include "c++/ring.h"` and so that
 * clients that escape other characters mean the same file.
 */
import { fileURLToPath } from 'node:url';

export function pathOf(uri: string): string {
  try {
    return decodeURIComponent(uri);
  } catch {
    return uri;
  }
}
/** Escaped as editors do it. */
export function uriOf(path: string): string {
  const [, head = '', rest = path] = /^([\w+.-]+:\/\/[^/]*)(.*)$/s.exec(path) ?? [];
  return head + rest.split('/').map((part) => encodeURIComponent(part).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)).join('/');
}
export function isOnDisk(path: string): boolean {
  return path.startsWith('file://');
}
export function diskPath(path: string): string {
  return fileURLToPath(uriOf(path));
}
