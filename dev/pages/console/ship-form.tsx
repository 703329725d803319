import { useState } from 'preact/hooks'
import { useTexts } from '../base/language.tsx'
import { readNothing } from './answers.ts'
import { ActionForm } from './action-form.tsx'
import { Choice } from './choice.tsx'
import { useLabel } from './labels.ts'
import { ParcelFields, toItem, type TypedParcel } from './parcel-fields.tsx'
import { useSession } from './session.tsx'

const KINDS = ['express', 'local_delivery', 'self_pickup', 'virtual'] as const

/** WeChat's limit for one order. */
const MOST_PARCELS = 15

const texts = {
  kind: ['Delivery', '配送方式'],
  add: ['Add a parcel', '添加包裹'],
  all: ['No further parcels follow', '已全部发完，之后没有其他包裹'],
  ship: ['Ship', '发货'],
  open: [
    'WeChat has some parcels of this order. This request adds further ones.',
    '微信已有该订单的部分包裹，本次提交会继续添加。',
  ],
  complete: [
    'WeChat has the complete shipment of this order. This request replaces it. WeChat allows this once.',
    '微信已有该订单的全部发货信息，本次提交会整体替换，微信只允许替换一次。',
  ],
} as const

interface Props {
  readonly outTradeNo: string
  /** The description of the order, which each parcel has at first. */
  readonly body: string
  /** How much is reported to WeChat: no shipment, some of the parcels, or all. */
  readonly reported: 'nothing' | 'open' | 'complete'
  readonly onDone: () => void
}

/**
 * Reports one or more parcels, or a delivery without a parcel. While parcels follow, each request
 * adds to the earlier ones.
 */
export function ShipForm({ outTradeNo, body, reported, onDone }: Props) {
  const say = useTexts(texts)
  const label = useLabel()
  const { client } = useSession()
  const blank = (id: number): TypedParcel => ({
    id,
    itemDesc: body,
    trackingNo: '',
    expressCompany: '',
    receiverContact: '',
  })
  const [kind, setKind] = useState<string>('express')
  const [parcels, setParcels] = useState<readonly TypedParcel[]>([blank(0)])
  const [isAll, setAll] = useState(true)
  const isExpress = kind === 'express'
  const shown = isExpress ? parcels : parcels.slice(0, 1)
  const items = shown.map((parcel) => toItem(parcel, isExpress))
  return (
    <ActionForm
      tone="primary"
      submit={say('ship')}
      isReady={items.every((item) => item !== null)}
      onDone={() => {
        setParcels([blank(0)])
        onDone()
      }}
      run={() =>
        client.send(
          'POST',
          '/api/shipping',
          {
            outTradeNo,
            logisticsType: kind,
            items,
            ...(isExpress ? { isAllDelivered: isAll } : {}),
          },
          readNothing,
        )
      }
    >
      {reported !== 'nothing' && (
        <p class={reported === 'complete' ? 'box warn' : 'box'}>{say(reported)}</p>
      )}
      <Choice
        label={say('kind')}
        value={kind}
        onChoose={setKind}
        options={KINDS.map((one) => [one, label(one)])}
      />
      {shown.map((parcel, index) => (
        <ParcelFields
          key={parcel.id}
          parcel={parcel}
          number={shown.length === 1 ? null : index + 1}
          isExpress={isExpress}
          onChange={(changed) =>
            setParcels(parcels.map((one) => (one.id === changed.id ? changed : one)))
          }
          onRemove={() => setParcels(parcels.filter(({ id }) => id !== parcel.id))}
        />
      ))}
      {isExpress && (
        <>
          {parcels.length < MOST_PARCELS && (
            <button
              type="button"
              onClick={() => setParcels([...parcels, blank((parcels.at(-1)?.id ?? 0) + 1)])}
            >
              {say('add')}
            </button>
          )}
          <label class="switch">
            <input
              type="checkbox"
              checked={isAll}
              onChange={(event) => setAll(event.currentTarget.checked)}
            />
            {say('all')}
          </label>
        </>
      )}
    </ActionForm>
  )
}
