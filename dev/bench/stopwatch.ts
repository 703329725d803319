/**
 * How long one call takes, in microseconds: of as many in a row as fill the time, after as many again to get going. It is the
 * time this thread computes; what the machine does meanwhile for others is not counted.
 */
export async function timeOne(work: () => unknown, batchMs: number): Promise<number> {
  let calls = 1
  for (let ms = 0; ms < batchMs;) {
    calls = Math.ceil(ms > 0 ? Math.min(calls * 10, (calls * batchMs * 1.2) / ms) : calls * 10)
    ms = await timeCalls(work, calls)
  }
  return ((await timeCalls(work, calls)) / calls) * 1_000
}

/** Waits only for what has to be waited for: to wait for what is there already would cost it more than some of it takes. */
async function timeCalls(work: () => unknown, calls: number): Promise<number> {
  const before = process.threadCpuUsage()
  for (let call = 0; call < calls; call += 1) {
    const result = work()
    if (result instanceof Promise) await result
  }
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / 1_000
}
