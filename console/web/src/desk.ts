import { Phone, Refused, type Admission, type State } from './phone'
import { Ringer } from './ring'
import { say, translate, type Text } from './text'

type Card = {
  call: string
  caller: string
  name: string
  queue: string
  reason: string
  detail: string
  intent: string
  mood: string
  values: Record<string, string> | null
  tried: string[] | null
  transcript: { who: string; text: string; at: string }[]
}
type SeatState = 'free' | 'reserved' | 'ringing' | 'talking' | 'wrap-up' | 'away'
type Message =
  | { type: 'hello'; name: string; state: SeatState }
  | { type: 'state'; state: SeatState }
  | { type: 'ring'; card: Card }
  | { type: 'stopped'; answered?: boolean }

const byId = <T extends HTMLElement>(id: string) => document.getElementById(id) as T
const button = (id: string) => byId<HTMLButtonElement>(id)
const ringer = new Ringer()
const acceptKey = '1' // what a phone at a seat would press

let socket: WebSocket | undefined
let phone: Phone | undefined
let ringing = false
let muted = false
let retry = 0

translate(document)
void arrive()

// arrive sits down, or asks who it is. Without a house it is tried again.
async function arrive(): Promise<void> {
  try {
    const { name } = (await (await fetch('session')).json()) as { name: string }
    if (name) connect()
    else show(false)
  } catch {
    later()
  }
}

function later(): void {
  tell('lostHouse')
  retry = Math.min(retry + 1, 10)
  setTimeout(() => void arrive(), 300 * retry)
}

function connect(): void {
  const url = new URL('events', location.href)
  url.protocol = url.protocol.replace('http', 'ws')
  const s = (socket = new WebSocket(url))
  s.onmessage = (m) => {
    retry = 0
    heard(JSON.parse(m.data as string) as Message)
  }
  s.onclose = () => {
    if (socket !== s) return
    later()
  }
}

function show(signedIn: boolean): void {
  byId('sign-in').hidden = signedIn
  byId('desk').hidden = !signedIn
  if (!signedIn) byId('sign-in').querySelector('input')?.focus()
}

const send = (type: 'free' | 'away' | 'decline') => socket?.send(JSON.stringify({ type }))

function tell(t: Text): void {
  byId('state').textContent = say(t)
}

function heard(m: Message): void {
  switch (m.type) {
    case 'hello':
      show(true)
      byId('name').textContent = m.name
      return seat(m.state)
    case 'state':
      return seat(m.state)
    case 'ring':
      ringing = true
      fill(m.card)
      ringer.start()
      return arrange()
    case 'stopped':
      ringing = false
      ringer.stop()
      return arrange()
  }
}

const states: Record<SeatState, Text> = {
  free: 'isFree',
  reserved: 'isRinging',
  ringing: 'isRinging',
  talking: 'isTalking',
  'wrap-up': 'isWrapUp',
  away: 'isAway',
}

function seat(s: SeatState): void {
  tell(states[s])
  document.body.dataset['state'] = s
  button('free').setAttribute('aria-pressed', String(s !== 'away'))
  button('away').setAttribute('aria-pressed', String(s === 'away'))
  arrange()
}

// arrange shows what can be done now.
function arrange(): void {
  const card = byId('card')
  button('accept').hidden = button('decline').hidden = !ringing || phone !== undefined
  button('mute').hidden = button('hang-up').hidden = phone === undefined
  const state = document.body.dataset['state']
  const wanted = ringing || phone !== undefined || state === 'wrap-up'
  if (wanted && card.hidden && ringing) setTimeout(() => card.focus())
  card.hidden = !wanted || card.dataset['call'] === undefined
  byId('quiet').hidden = !card.hidden
  document.title = ringing ? '☎ ' + (byId('who').textContent ?? '') : say('seatName')
}

function fill(c: Card): void {
  byId('card').dataset['call'] = c.call
  byId('who').textContent = [c.name, c.caller].filter(Boolean).join(', ') || say('withheld')
  byId('why').textContent = c.intent || c.detail || c.reason
  const facts: [Text, string][] = [
    ['queue', c.queue],
    ['reason', c.detail ? `${c.reason}: ${c.detail}` : c.reason],
    ['mood', c.mood],
    ['tried', (c.tried ?? []).join('; ')],
  ]
  const rows = facts.filter(([, v]) => v !== '').map(([k, v]) => [say(k), v] as const)
  rows.push(...Object.entries(c.values ?? {}))
  byId('facts').replaceChildren(
    ...rows.flatMap(([k, v]) => {
      const dt = document.createElement('dt')
      const dd = document.createElement('dd')
      dt.textContent = k
      dd.textContent = v
      return [dt, dd]
    }),
  )
  byId('transcript').replaceChildren(
    ...c.transcript.map((l) => {
      const line = document.createElement('li')
      const who = document.createElement('b')
      who.textContent = l.who
      line.append(who, ' ', l.text)
      return line
    }),
  )
}

async function admit(): Promise<Admission> {
  const res = await fetch('token', { method: 'POST' })
  if (!res.ok) throw new Refused('refused')
  return (await res.json()) as Admission
}

async function accept(): Promise<void> {
  if (!ringing || phone) return
  ringer.stop()
  const p = (phone = new Phone('legs', admit, {
    state: moved,
    shown: () => {},
    sound: (_, theirs) => (byId<HTMLAudioElement>('sound').srcObject = theirs),
  }))
  arrange()
  try {
    await p.call()
  } catch (e) {
    tell(e instanceof Refused ? e.why : 'failed')
  }
}

function moved(s: State): void {
  if (s === 'talking') void phone?.press(acceptKey)
  if (s === 'again') tell('again')
  if (s !== 'ended') return
  phone = undefined
  mute(false)
  arrange()
}

function mute(on: boolean): void {
  muted = on
  phone?.mute(on)
  button('mute').setAttribute('aria-pressed', String(on))
}

const actions: Record<string, () => void> = {
  free: () => send('free'),
  away: () => send('away'),
  accept: () => void accept(),
  decline: () => ringing && send('decline'),
  mute: () => phone && mute(!muted),
  'hang-up': () => phone?.hangUp(),
  'sign-out': () => void fetch('session', { method: 'DELETE' }).then(() => location.reload()),
}
for (const [id, act] of Object.entries(actions)) button(id).addEventListener('click', act)

const shortcuts: Record<string, string> = { f: 'free', w: 'away', a: 'accept', d: 'decline', m: 'mute' }
addEventListener('keydown', (e) => {
  if (e.ctrlKey || e.altKey || e.metaKey || e.repeat || e.target instanceof HTMLInputElement) return
  const id = shortcuts[e.key]
  if (id) actions[id]?.()
})
addEventListener('pagehide', () => phone?.hangUp())

byId<HTMLFormElement>('sign-in').addEventListener('submit', (e) => {
  e.preventDefault()
  const form = new FormData(e.target as HTMLFormElement)
  const body = JSON.stringify({ seat: form.get('seat'), password: form.get('password') })
  void fetch('session', { method: 'POST', body }).then((res) => {
    byId('refused').textContent = res.ok ? '' : say(res.status === 429 ? 'tooOften' : 'wrongPassword')
    if (res.ok) connect()
  })
})
