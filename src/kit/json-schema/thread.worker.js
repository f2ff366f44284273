// Starts `thread.ts`: as it was built, or beside the sources as tsx reads it.
const isSource = import.meta.url.includes('/src/')
if (isSource) {
  const { register } = await import('tsx/esm/api')
  register()
}
await import(isSource ? './thread.ts' : './thread.js')
