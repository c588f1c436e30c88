// Tests of Launcher.
