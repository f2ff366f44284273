declare module 'fs-native-extensions' {
  /** Takes a lock on a range of an open file, or answers false when another open file has it. */
  export function tryLock(fd: number, offset?: number, length?: number): boolean
  /** Resolves once the whole file is locked; closing it ends the lock. */
  export function waitForLock(fd: number): Promise<void>
  export function unlock(fd: number, offset?: number, length?: number): void
}
