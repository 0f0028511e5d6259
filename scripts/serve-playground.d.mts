export function servePlayground(): Promise<{ url: string; close(): Promise<void> }>;
