// A phone in a browser: one call at a time, signalled in the manner of WHIP (RFC 9725).

export type Shown = { type: 'line' | 'joined' | 'ended'; who?: string; text?: string }
export type State = 'asking' | 'connecting' | 'talking' | 'again' | 'ended'

/** Why a call could not be made; a name of a text. */
export class Refused extends Error {
  constructor(readonly why: 'noMicrophone' | 'busy' | 'refused' | 'failed' | 'insecure') {
    super(why)
  }
}

export type Admission = { token: string; servers: RTCIceServer[] }

export interface Listener {
  state(s: State): void
  shown(e: Shown): void
  sound(mine: MediaStream, theirs: MediaStream): void
}

const doubted = 2000 // ms without a path after which another one is looked for
const givenUp = 15000 // ms after which the house has given up too

export class Phone {
  #pc?: RTCPeerConnection
  #mine?: MediaStream
  #leg?: string // where our call is
  #tag = ''
  #answer = ''
  #events?: EventSource
  #early: string[] = [] // candidates found before the answer came
  #timers: number[] = []
  #over = false
  #connected = false

  constructor(
    private readonly endpoint: string,
    private readonly admit: () => Promise<Admission>,
    private readonly listener: Listener,
  ) {}

  /** Calls; resolves when the house has answered. Audio flows when the state is talking. */
  async call(): Promise<void> {
    try {
      await this.#call()
    } catch (e) {
      this.#end()
      throw e instanceof Refused ? e : new Refused('failed')
    }
  }

  async #call(): Promise<void> {
    this.listener.state('asking')
    if (!navigator.mediaDevices) throw new Refused('insecure')
    const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 }
    this.#mine = await navigator.mediaDevices.getUserMedia({ audio }).catch(() => {
      throw new Refused('noMicrophone')
    })
    if (this.#over) throw new Refused('failed')
    this.listener.state('connecting')
    const { token, servers } = await this.admit()
    const pc = (this.#pc = new RTCPeerConnection({ iceServers: servers, bundlePolicy: 'max-bundle' }))
    const theirs = new MediaStream()
    for (const track of this.#mine.getAudioTracks()) pc.addTrack(track, this.#mine)
    pc.ontrack = (e) => {
      theirs.addTrack(e.track)
      this.listener.sound(this.#mine!, theirs)
    }
    pc.onicecandidate = (e) => this.#found(e.candidate)
    pc.oniceconnectionstatechange = () => this.#moved()
    await pc.setLocalDescription(await pc.createOffer())
    await this.#offer(token)
  }

  async #offer(token: string): Promise<void> {
    const pc = this.#pc!
    const res = await fetch(this.endpoint, {
      method: 'POST',
      headers: { 'Content-Type': 'application/sdp', Authorization: 'Bearer ' + token },
      body: pc.localDescription!.sdp,
    })
    if (res.status !== 201) throw new Refused(res.status === 503 ? 'busy' : res.status === 401 ? 'refused' : 'failed')
    this.#leg = new URL(res.headers.get('Location')!, res.url).href
    this.#tag = res.headers.get('ETag') ?? '*'
    this.#answer = await res.text()
    if (this.#over) return this.#goodbye()
    await pc.setRemoteDescription({ type: 'answer', sdp: this.#answer })
    this.#watch()
    if (this.#early.length > 0) void this.#patch(this.#early.splice(0), this.#tag)
  }

  #watch(): void {
    this.#events = new EventSource(this.#leg + '/events')
    this.#events.onmessage = (m) => {
      const e = JSON.parse(m.data as string) as Shown
      if (e.type === 'ended') this.#end()
      else this.listener.shown(e)
    }
  }

  // Trickle (RFC 8840): candidates are sent as they are found.
  #found(c: RTCIceCandidate | null): void {
    if (!c?.candidate) return
    if (this.#leg) void this.#patch([c.candidate], this.#tag)
    else this.#early.push(c.candidate)
  }

  #patch(candidates: string[], tag: string): Promise<Response> {
    const local = this.#pc!.localDescription!.sdp
    const lines = ['ice-ufrag', 'ice-pwd'].map((k) => `a=${k}:${attribute(local, k)}`)
    lines.push('m=audio 9 UDP/TLS/RTP/SAVPF 0', 'a=mid:' + attribute(local, 'mid'), ...candidates.map((c) => 'a=' + c))
    return fetch(this.#leg!, {
      method: 'PATCH',
      headers: { 'Content-Type': 'application/trickle-ice-sdpfrag', 'If-Match': tag },
      body: lines.join('\r\n') + '\r\n',
    })
  }

  #moved(): void {
    switch (this.#pc!.iceConnectionState) {
      case 'connected':
      case 'completed':
        if (this.#connected && this.#timers.length === 0) break // completed comes after connected
        this.#connected = true
        this.#forget()
        this.listener.state('talking')
        break
      case 'disconnected':
      case 'failed':
        if (this.#timers.length > 0 || !this.#leg) break
        this.#timers.push(window.setInterval(() => void this.#restart(), doubted), window.setTimeout(() => this.hangUp(), givenUp))
    }
  }

  #forget(): void {
    this.#timers.splice(0).forEach((t) => (clearInterval(t), clearTimeout(t)))
  }

  // After a change of network ICE begins anew; keys and audio go on (RFC 9725, 4.3.3).
  async #restart(): Promise<void> {
    this.listener.state('again')
    const pc = this.#pc!
    try {
      await pc.setLocalDescription(await pc.createOffer({ iceRestart: true }))
      const res = await this.#patch([], '*')
      if (res.status !== 200) return
      this.#tag = res.headers.get('ETag') ?? '*'
      const fresh = (await res.text()).split('\r\n').filter((l) => /^a=(ice-|candidate|end-of)/.test(l))
      const kept = this.#answer.split('\r\n').filter((l) => l !== '' && !/^a=(ice-|candidate|end-of)/.test(l))
      this.#answer = [...kept, ...fresh, ''].join('\r\n')
      await pc.setRemoteDescription({ type: 'answer', sdp: this.#answer })
    } catch {
      // no network yet: tried again soon
    }
  }

  /** Sends keys of the key pad. */
  async press(keys: string): Promise<void> {
    if (this.#leg) await fetch(this.#leg + '/keys', { method: 'POST', body: keys })
  }

  mute(on: boolean): void {
    for (const track of this.#mine?.getAudioTracks() ?? []) track.enabled = !on
  }

  hangUp(): void {
    this.#end(this.#goodbye())
  }

  async #goodbye(): Promise<void> {
    if (this.#leg) await fetch(this.#leg, { method: 'DELETE', keepalive: true }).catch(() => {}) // also while the page is left
  }

  // The connection is closed when the house knows: else it would learn of it twice.
  #end(told: Promise<void> = Promise.resolve()): void {
    if (this.#over) return
    this.#over = true
    this.#forget()
    this.#events?.close()
    void told.then(() => this.#pc?.close())
    for (const track of this.#mine?.getTracks() ?? []) track.stop()
    this.listener.state('ended')
  }
}

const attribute = (sdp: string, key: string): string => new RegExp(`^a=${key}:(.*)$`, 'm').exec(sdp)?.[1]?.trim() ?? ''
