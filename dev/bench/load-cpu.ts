/** A server under load tells its parent, as often as it asks, what computing it has done, once it has nothing left to do. */
export function tellCpu(settled: () => Promise<void>): void {
  process.on('message', (message) => {
    if (message !== 'cpu') return
    void settled().then(() => {
      const { user, system } = process.cpuUsage()
      process.send?.({ cpuMs: (user + system) / 1_000 })
    })
  })
  process.on('disconnect', () => process.exit())
}
