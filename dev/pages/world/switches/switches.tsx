/** Faults to turn on, the protocol of new orders, and the next morning. */
import { useTexts } from '../../base/language.tsx'
import { MerchantActions } from './merchant.tsx'
import { Morning } from './morning.tsx'
import { SendAgain } from './send-again.tsx'
import { switchTexts } from './texts.ts'
import type { Switches, SwitchesState } from './use-switches.ts'
import './switches.css'

const notifications = [
  'as-usual',
  'lost',
  'fifteen-times',
  'forged-amount',
  'wrong-signature',
] as const
const services = ['wechat', 'redis', 'database'] as const
const protocols = ['v2', 'v3'] as const

const usual: Switches = {
  notifications: 'as-usual',
  wechat: 'up',
  redis: 'up',
  database: 'up',
  receiver: 'answers',
  protocol: 'v2',
}

interface SwitchPanelProps extends SwitchesState {
  /** The order that the shop showed last, or null. */
  readonly outTradeNo: string | null
}

export function SwitchPanel({ outTradeNo, ...state }: SwitchPanelProps) {
  const say = useTexts(switchTexts)
  const { refused, failure, turn } = state
  const isKnown = state.switches !== null
  // Until the first answer they are shown disabled, so that nothing moves when it comes.
  const switches = state.switches ?? usual
  const reasons = Object.entries(refused)
  return (
    <section class="switches" aria-label={say('title')}>
      <span class="labelled">
        <label for="notifications">{say('notifications')}</label>
        <select
          id="notifications"
          data-in-force={switches.notifications}
          disabled={!isKnown || refused['notifications'] !== undefined}
          class={switches.notifications === 'as-usual' ? '' : 'on'}
          onChange={({ currentTarget: { value } }) => {
            const chosen = notifications.find((name) => name === value)
            if (chosen !== undefined) void turn({ notifications: chosen })
          }}
        >
          {notifications.map((name) => (
            <option key={name} value={name} selected={name === switches.notifications}>
              {say(name)}
            </option>
          ))}
        </select>
      </span>
      <fieldset>
        <legend>{say('off')}</legend>
        {services.map((name) => (
          <button
            key={name}
            type="button"
            aria-pressed={switches[name] === 'down'}
            disabled={!isKnown || refused[name] !== undefined}
            onClick={() => void turn({ [name]: switches[name] === 'up' ? 'down' : 'up' })}
          >
            {say(name)}
          </button>
        ))}
      </fieldset>
      <button
        type="button"
        aria-pressed={switches.receiver === 'hangs'}
        disabled={!isKnown || refused['receiver'] !== undefined}
        onClick={() => void turn({ receiver: switches.receiver === 'hangs' ? 'answers' : 'hangs' })}
      >
        {say('receiver')}
      </button>
      <fieldset>
        <legend>{say('protocol')}</legend>
        {protocols.map((name) => (
          <button
            key={name}
            type="button"
            class="choice"
            aria-pressed={switches.protocol === name}
            disabled={!isKnown || refused['protocol'] !== undefined}
            onClick={() => void turn({ protocol: name })}
          >
            {say(name)}
          </button>
        ))}
      </fieldset>
      <MerchantActions outTradeNo={outTradeNo} />
      <SendAgain />
      <Morning />
      {failure !== null && (
        <p class="refused" role="alert">
          {failure.reason ?? say('failed')}
        </p>
      )}
      {reasons.map(([name, reason]) => (
        <p key={name} class="refused">
          {say('refused', { name: isNamed(name) ? say(name) : name, reason })}
        </p>
      ))}
    </section>
  )
}

const isNamed = (name: string): name is keyof typeof switchTexts => Object.hasOwn(switchTexts, name)
