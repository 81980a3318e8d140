// The symbols that the libzt 1.8.4 shared object uses and does not contain, so that it can be loaded.
// None is called in the way libzt is driven here: three belong to a route watcher that the wheel was
// linked without, two to the private API of CPython 3.9, which later versions dropped.
// It never changes what libzt does. It is loaded after the interpreter, so CPython's own definitions win.

void _ZN8ZeroTier12LinuxNetLinkD1Ev(void *self);
void _ZN8ZeroTier12LinuxNetLinkC1Ev(void *self);
void _ZN8ZeroTier12LinuxNetLink8delRouteERKNS_11InetAddressES3_S3_PKc(void *self);
void _PyTime_AsTimeval_noraise(void);
void _PyTime_GetMonotonicClock(void);

void _ZN8ZeroTier12LinuxNetLinkD1Ev(void *self) {
    (void)self;
}

void _ZN8ZeroTier12LinuxNetLinkC1Ev(void *self) {
    (void)self;
}

void _ZN8ZeroTier12LinuxNetLink8delRouteERKNS_11InetAddressES3_S3_PKc(void *self) {
    (void)self;
}

void _PyTime_AsTimeval_noraise(void) {
}

void _PyTime_GetMonotonicClock(void) {
}
