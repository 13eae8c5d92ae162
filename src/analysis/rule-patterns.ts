/** Whether a rule's id fits what a setting or comment names: an id, or a pattern like `uring-*`. */
export function matches(pattern: string, id: string): boolean {
  return pattern === id || (pattern.includes('*') && new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replace(/\*/g, '.*')}$`).test(id));
}
