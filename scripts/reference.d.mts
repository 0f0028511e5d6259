export function languagePage(intro: string, ops: object, signatureOf: (name: never) => string): string;
export function passesPage(passes: readonly object[], defaultPipeline: readonly string[]): string;
export function diagnosticsPage(catalog: ReadonlyMap<string, object>): string;
export function readme(text: string, source: string, ownPass: string, tirc: object): string;
