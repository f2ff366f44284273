import { readdir, readFile } from 'node:fs/promises'

/** The processes of this machine that were started with an environment that has this text in it. */
export async function processesWith(text: string): Promise<number[]> {
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const found = await Promise.all(
    names.map(async (name) => {
      const environment = await readFile(`/proc/${name}/environ`, 'utf8').catch(() => '')
      return environment.includes(text) ? [Number(name)] : []
    }),
  )
  return found.flat()
}
