/** The shape of a hover's text about an API. */
export interface ApiDoc {
  /** what it does */
  does: string;
  /** first kernel, and library where that matters */
  since?: string;
  /** what it waits for */
  blocks?: string;
  /** what people get wrong */
  mistake?: string;
}

/** By the name as it is written, without a Rust path. */
export type Docs = Record<string, ApiDoc>;
