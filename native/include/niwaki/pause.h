// How computations of one engine make way for each other. Calls on an engine's sessions never overlap in what they
// compute; but one may be put aside in the middle, on its thread and with its stack, while others are made.
#pragma once

#include <atomic>

namespace niwaki {

// Handed to Engine::UsePauser by whoever decides who computes. Its functions are called on the thread of the call
// (Sync, Decode, CalibrateKv ...) that is under way, never on two threads at once.
class Pauser {
 public:
  virtual ~Pauser() = default;

  // Any thread may set it: the call under way is to look up before its next piece of work, which is well under a
  // millisecond away (a thread of low priority on a busy machine may need longer for the piece it has in hand).
  std::atomic<bool> wanted{false};

  // `wanted` was seen. True: others are to compute now; Pause is then called, unless there is no memory for a second
  // set of activations. Sessions may be opened and closed before it returns, but nothing may be computed.
  virtual bool LookUp() = 0;
  // Returns when the call may go on. Any calls on the engine may be made meanwhile (on other sessions, and on the
  // thread that is in here, too), and each may be paused in turn.
  virtual void Pause() = 0;
  // The same where no activations are in use: between two chunks of a prompt, two passes of decoding, two positions of
  // a measurement. Called each time, whether `wanted` is set or not. Returns whether others may have computed.
  virtual bool Between() = 0;
};

}  // namespace niwaki
