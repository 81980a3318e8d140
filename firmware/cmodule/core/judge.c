// What the rules of a network make of one frame on its way through the datapath. It owns the counting of what they drop, and the
// line between what the datapath does itself and what is Python's.
// Never evaluates a rule: rules.c does. Never changes a frame.
#include "datapath_state.h"

zt_judgement_t zt_judge(zt_datapath_t *self, const zt_network_t *network, const zt_peer_t *peer, const zt_rules_frame_t *frame) {
    zt_rules_outcome_t outcome;
    const zt_holdings_t *holdings = peer == NULL ? NULL : peer->members[network - self->networks].holdings;
    zt_rules_judge(network->rules, holdings, frame, &outcome);
    switch (outcome.verdict) {
        case ZT_VERDICT_ACCEPT:
            return outcome.copies == 0 ? ZT_JUDGED_PASS : ZT_JUDGED_PYTHON;
        case ZT_VERDICT_DROP:
            self->counters[frame->is_inbound ? ZT_COUNT_rules_drop_in : ZT_COUNT_rules_drop_out]++;
            return ZT_JUDGED_DROP;
        case ZT_VERDICT_NO_MATCH:
            self->counters[frame->is_inbound ? ZT_COUNT_rules_no_match_in : ZT_COUNT_rules_no_match_out]++;
            return ZT_JUDGED_DROP;
        default: // redirected, accepted whatever the MACs are, or there is a credential to verify
            return ZT_JUDGED_PYTHON;
    }
}
