/** All views share the client with the key, and the switch for actions. */
import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { Client } from './client.ts'

export interface Session {
  readonly client: Client
  /** Whether actions are offered. It only prevents accidents: the key permits every action. */
  readonly mayAct: boolean
}

const SessionContext = createContext<Session | null>(null)
export const SessionProvider = SessionContext.Provider

export function useSession(): Session {
  const session = useContext(SessionContext)
  if (session === null) throw new Error('no session')
  return session
}
