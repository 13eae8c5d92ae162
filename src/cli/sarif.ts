/** Findings as a SARIF 2.1.0 log. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isAbsolute, join, relative, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ArtifactLocation, Fix, Location, Log, Region, ReportingDescriptor, Result } from 'sarif';
import { RULES } from '../analysis/rules';
import type { Rule } from '../analysis/rules/rule';
import type { Confidence, LintFinding, LintRange, LintReport, Severity } from '../protocol/analysis';

const LEVELS: Record<Severity, Result.level> = { error: 'error', warning: 'warning', information: 'note', hint: 'note' };
/** In the words of code scanning services. */
const PRECISION: Record<Confidence, string> = { certain: 'very-high', likely: 'high', heuristic: 'medium' };
const ROOT = 'SRCROOT';
/** The rules' pages and the manifest lie beside the folder of the bundle. */
const PAGES = join(__dirname, '../docs/rules');
const MANIFEST = join(__dirname, '../package.json');

export function sarif(report: LintReport): Log {
  const version = ownVersion();
  const ids = RULES.map((r) => r.info.id);
  const fingerprint = fingerprints();
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [{
      tool: { driver: { name: 'Ringlight', ...(version === undefined ? {} : { version, semanticVersion: version }), rules: RULES.map(descriptor) } },
      columnKind: 'utf16CodeUnits',
      originalUriBaseIds: { [ROOT]: { uri: pathToFileURL(`${process.cwd()}/`).href } },
      invocations: [{
        executionSuccessful: report.errors.length === 0,
        toolExecutionNotifications: report.errors.map((e) => ({ level: 'error', message: { text: `${e.path}: ${e.message}` }, locations: [{ physicalLocation: { artifactLocation: artifact(e.path) } }] })),
      }],
      results: report.findings.map((f): Result => ({
        ruleId: f.rule, ruleIndex: ids.indexOf(f.rule), level: LEVELS[f.severity], message: { text: f.message },
        locations: [location(f)],
        partialFingerprints: { 'ringlight/v1': fingerprint(f) },
        properties: { severity: f.severity },
        ...(f.related?.length ? { relatedLocations: f.related.map((r, id): Location => ({ id, ...location(r), message: { text: r.message } })) } : {}),
        ...(f.fix ? { fixes: [fixOf(f.path, f.fix)] } : {}),
      })),
    }],
  };
}

function descriptor({ info, why }: Rule): ReportingDescriptor {
  return {
    id: info.id, shortDescription: { text: info.summary }, fullDescription: { text: why }, defaultConfiguration: { level: LEVELS[info.severity] },
    help: { text: why, markdown: page(info.id) ?? why },
    properties: { precision: PRECISION[info.confidence], tags: ['asynchronous I/O', ...info.languages] },
  };
}
function ownVersion(): string | undefined {
  try {
    return (JSON.parse(readFileSync(MANIFEST, 'utf8')) as { version: string }).version;
  } catch {
    return undefined;
  }
}
function page(id: string): string | undefined {
  try {
    return readFileSync(join(PAGES, `${id}.md`), 'utf8');
  } catch {
    return undefined;
  }
}

function location(at: LintRange & { path: string }): Location {
  return { physicalLocation: { artifactLocation: artifact(at.path), region: region(at) } };
}
function region({ line, column, endLine, endColumn }: LintRange): Region {
  return { startLine: line, startColumn: column, endLine, endColumn };
}
function artifact(path: string): ArtifactLocation {
  const place = placeOf(path);
  return isOutside(place) ? { uri: pathToFileURL(path).href } : { uri: place.split('/').map(encodeURIComponent).join('/'), uriBaseId: ROOT };
}
/** Below the current folder, however the path was given: services that take logs know files by where they lie in a checkout. */
function placeOf(path: string): string {
  return relative(process.cwd(), path).split(sep).join('/');
}
function isOutside(place: string): boolean {
  return place.startsWith('../') || isAbsolute(place);
}
function fixOf(path: string, fix: NonNullable<LintFinding['fix']>): Fix {
  return {
    description: { text: fix.title },
    artifactChanges: [{ artifactLocation: artifact(path), replacements: fix.edits.map((e) => ({ deletedRegion: region(e), insertedContent: { text: e.text } })) }],
    properties: { safe: fix.safe },
  };
}

/** The same finding keeps its fingerprint when lines come or go above it: rule, text of the line, and the how-manieth such. */
function fingerprints(): (f: LintFinding) => string {
  const lines = new Map<string, string[]>();
  const counts = new Map<string, number>();
  return (f) => {
    let text = lines.get(f.path);
    if (!text) lines.set(f.path, (text = linesOf(f.path)));
    const key = [f.rule, placeOf(f.path), (text[f.line - 1] ?? '').replace(/\s+/g, ' ').trim()].join('\0');
    const nth = (counts.get(key) ?? 0) + 1;
    counts.set(key, nth);
    return createHash('sha256').update(`${key}\0${nth}`).digest('hex').slice(0, 32);
  };
}
function linesOf(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch {
    return [];
  }
}
