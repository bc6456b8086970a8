// Rings: two soft tones, until stopped. A browser lets a page make sound once somebody has clicked in it, as to sign in.

export class Ringer {
  #context?: AudioContext
  #timer = 0

  start(): void {
    this.stop()
    const context = (this.#context = new AudioContext())
    const ring = () => {
      for (const [hertz, after] of [
        [587, 0],
        [784, 0.25],
      ] as const) {
        const at = context.currentTime + after
        const tone = new OscillatorNode(context, { frequency: hertz })
        const loud = new GainNode(context, { gain: 0 })
        loud.gain.setValueAtTime(0, at)
        loud.gain.linearRampToValueAtTime(0.15, at + 0.03)
        loud.gain.exponentialRampToValueAtTime(0.001, at + 0.6)
        tone.connect(loud).connect(context.destination)
        tone.start(at)
        tone.stop(at + 0.65)
      }
    }
    ring()
    this.#timer = window.setInterval(ring, 2500)
  }

  stop(): void {
    clearInterval(this.#timer)
    void this.#context?.close()
    this.#context = undefined
  }
}
