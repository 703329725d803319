import { useLayoutEffect, useState } from 'preact/hooks'
import type { Client } from './client.ts'
import { KeyForm } from './key-form.tsx'
import { SignedIn } from './signed-in.tsx'

/** The key is in the memory of this tab only. Leaving the page or reloading it forgets the key. */
export function App() {
  const [client, setClient] = useState<Client | null>(null)
  useLayoutEffect(() => {
    // A browser may keep a page that was left, to show it again after Back.
    const lock = () => setClient(null)
    addEventListener('pagehide', lock)
    return () => removeEventListener('pagehide', lock)
  }, [])
  return client === null ? (
    <KeyForm onOpen={setClient} />
  ) : (
    <SignedIn client={client} lock={() => setClient(null)} />
  )
}
