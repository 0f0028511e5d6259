export function languagePage(intro: string, ops: object, signatureOf: (name: never) => string): string;
export function passesPage(passes: readonly object[], defaultPipeline: readonly string[]): string;
export function diagnosticsPages(families: readonly object[]): Map<string, string>;
export function targetsPage(
  intro: string,
  targets: readonly object[],
  notes: Readonly<Record<string, string>>,
  families: readonly object[],
  whole: string,
): string;
export function withExamples(text: string, read: (path: string) => string): string;
export function walkthrough(text: string, read: (path: string) => string, tirc: object): string;
