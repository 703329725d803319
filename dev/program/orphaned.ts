/** Short enough that the port is free when the user starts the world again. */
const LOOK_MS = 200

/**
 * Calls back when npm has exited.
 *
 * npm sends signals to the shell it started and not to the program in it. The shell dies, and this
 * process would keep the port and the data. A process that npm did not start may outlive its
 * parent.
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
