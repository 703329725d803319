/** How often to look. Often enough that the port is free again when somebody tries it. */
const LOOK_MS = 200

/**
 * Calls back once npm is gone.
 *
 * npm hands a signal to the shell it started and not to what runs in it: the shell dies, and this process would live on
 * unseen with the port and the data. A process that npm did not start may well outlive its parent and is left alone.
 */
export function whenOrphaned(callback: () => void): void {
  if (process.env['npm_lifecycle_event'] === undefined || process.platform === 'win32') return
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    callback()
  }, LOOK_MS)
  timer.unref()
}
